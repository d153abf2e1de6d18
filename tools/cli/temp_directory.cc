// SPDX-License-Identifier: Apache-2.0
#include "cli/temp_directory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <system_error>
#include <utility>

#include "cli/signals.h"
#include "formats/error.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

void remove_tree(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

// The child: waits until no process holds the other end of the pipe. Signals to the whole group,
// such as Ctrl-C, are not for it.
[[noreturn]] void watch(int read_end, int write_end, const std::filesystem::path& path) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  close(write_end);
  // Whoever waits for the end of our output must not wait for this process.
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) close(fd);
  char byte = 0;
  (void)impl::io::retry_interrupted([&] { return read(read_end, &byte, 1); });
  remove_tree(path);
  _exit(0);
}

}  // namespace

TempDirectory::TempDirectory() {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
  if (error) throw_failure("TMPDIR", "names no directory for temporary files");
  std::string pattern = (parent / "dcf-eval-XXXXXX").string();
  defer_fatal_signals();
  if (mkdtemp(pattern.data()) == nullptr) {
    throw_failure(quote(pattern), "no temporary directory can be made");
  }
  path_ = pattern;
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return;  // everything works but for a kill
  const impl::io::UniqueFd read_end(impl::io::system_calls(), ends[0]);
  alive_ = impl::io::UniqueFd(impl::io::system_calls(), ends[1]);
  watcher_ = fork();
  if (watcher_ == 0) watch(read_end.get(), alive_.get(), path_);
}

TempDirectory::~TempDirectory() {
  remove_tree(path_);
  alive_.reset();
  if (watcher_ > 0) {
    (void)impl::io::retry_interrupted([&] { return waitpid(watcher_, nullptr, 0); });
  }
}

std::string TempDirectory::make_file(const std::string& name) const {
  std::string path = (path_ / name).string();
  const impl::io::UniqueFd file(impl::io::system_calls(),
                                open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
  if (!file.valid()) throw_failure(quote(path), "the temporary file cannot be made");
  return path;
}

}  // namespace dcf::tools
