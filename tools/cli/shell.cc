// SPDX-License-Identifier: Apache-2.0
#include "cli/shell.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "cli/signals.h"
#include "formats/error.h"
#include "io/syscalls.h"

namespace dcf::tools {
namespace {

constexpr size_t kTailBytes = size_t{64} << 10;

[[noreturn]] void fail(int error) {
  throw_failure("sh", "cannot be run: " + std::generic_category().message(error));
}

// What to send signals to: the shell, and with it all that it started. At a terminal they stay in
// our group of processes, so that they may read from it, and Ctrl-C reaches all of them.
struct Shell {
  pid_t pid = 0;
  bool leads_group = false;
  void signal(int number) const { kill(leads_group ? -pid : pid, number); }
};

Shell spawn_shell(const std::string& command, int stdout_fd) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, stdout_fd, STDOUT_FILENO);
  std::string shell = "sh";
  std::string flag = "-c";
  std::string text = command;
  const std::array<char*, 4> arguments = {shell.data(), flag.data(), text.data(), nullptr};
  Shell child;
  child.leads_group = isatty(STDIN_FILENO) != 1;
  // What report_large_files() set is for this process alone.
  sigset_t ignored;
  sigemptyset(&ignored);
  sigaddset(&ignored, SIGXFSZ);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigdefault(&attributes, &ignored);
  posix_spawnattr_setpgroup(&attributes, 0);
  const int flags = POSIX_SPAWN_SETSIGDEF | (child.leads_group ? POSIX_SPAWN_SETPGROUP : 0);
  posix_spawnattr_setflags(&attributes, static_cast<short>(flags));
  const int error =
      posix_spawn(&child.pid, "/bin/sh", &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) fail(error);
  return child;
}

std::string read_tail(int fd) {
  std::string tail;
  std::array<char, 4096> block;
  while (true) {
    throw_if_interrupted();
    const ssize_t got = read(fd, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(errno);
    if (got == 0) return tail;
    tail.append(block.data(), static_cast<size_t>(got));
    if (tail.size() > 2 * kTailBytes) tail.erase(0, tail.size() - kTailBytes);
  }
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) fail(errno);
  }
  return status;
}

}  // namespace

ShellResult run_shell(const std::string& command) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail(errno);
  const impl::io::UniqueFd read_end(impl::io::system_calls(), ends[0]);
  impl::io::UniqueFd write_end(impl::io::system_calls(), ends[1]);
  const Shell child = spawn_shell(command, write_end.get());
  write_end.reset();  // the end of the output is seen only when nobody else can write

  ShellResult result;
  try {
    result.output_tail = read_tail(read_end.get());
  } catch (const Interrupted& interrupted) {
    child.signal(interrupted.signal_number);
    wait_for(child.pid);
    throw;
  }
  const int status = wait_for(child.pid);
  throw_if_interrupted();
  if (WIFSIGNALED(status)) {
    result.failure = "was killed by signal " + std::to_string(WTERMSIG(status));
  } else if (WEXITSTATUS(status) != 0) {
    result.failure = "ended with status " + std::to_string(WEXITSTATUS(status));
  }
  return result;
}

}  // namespace dcf::tools
