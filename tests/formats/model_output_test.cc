// SPDX-License-Identifier: Apache-2.0
// The output appears whole or not at all, whatever ends the process.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>

#include "formats/output_file.h"
#include "model_test_util.h"

namespace dcf::tools::test {
namespace {

// Runs `action` in a child with standard output redirected to `path`; returns the wait status.
int in_child(const std::string& stdout_path, const std::function<void()>& action) {
  const pid_t child = fork();
  if (child == 0) {
    const int fd = open(stdout_path.c_str(), O_WRONLY | O_CREAT, 0600);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0) _exit(99);
    try {
      action();
    } catch (const Error& error) {
      const std::string text(error.what());
      _exit(text.find("no space left") != std::string::npos ? 28 : error.exit_code);
    } catch (...) {
      _exit(98);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

TEST(OutputFile, AppearsOnlyOnCommit) {
  const TempDir dir;
  {
    OutputFile file(dir.path("out"), false);
    file.write(to_bytes("hello"));
    EXPECT_FALSE(std::filesystem::exists(dir.path("out")));
    file.patch(1, to_bytes("u"));
    file.write(noise(1 << 20, 1));
    file.commit();
  }
  EXPECT_EQ(read_text(dir.path("out")).substr(0, 5), "hullo");
  EXPECT_EQ(read_text(dir.path("out")).size(), 5u + (1 << 20));
  EXPECT_EQ(dir.list(), std::vector<std::string>{"out"});
}

TEST(OutputFile, NothingStaysWithoutCommit) {
  const TempDir dir;
  { OutputFile(dir.path("out"), false).write(noise(1 << 20, 1)); }
  EXPECT_TRUE(dir.list().empty());
}

TEST(OutputFile, OverwritesOnlyWhenAsked) {
  const TempDir dir;
  const std::string path = dir.write("out", "old");
  EXPECT_TOOL_ERROR(OutputFile(path, false), 2, "exists already");
  EXPECT_EQ(read_text(path), "old");
  OutputFile file(path, true);
  file.write(to_bytes("new"));
  EXPECT_EQ(read_text(path), "old");
  file.commit();
  EXPECT_EQ(read_text(path), "new");
}

TEST(OutputFile, AFileThatAppearsMeanwhileIsKept) {
  const TempDir dir;
  const std::string path = dir.path("out");
  {
    OutputFile file(path, false);
    file.write(to_bytes("ours"));
    dir.write("out", "theirs");
    EXPECT_TOOL_ERROR(file.commit(), 2, "exists already");
  }
  EXPECT_EQ(read_text(path), "theirs");
  EXPECT_EQ(dir.list(), std::vector<std::string>{"out"});
}

TEST(OutputFile, HandsOnPermissionsAndFollowsLinks) {
  const TempDir dir;
  const std::string target = dir.write("target", "old");
  const std::string link = dir.path("link");
  std::filesystem::permissions(target, std::filesystem::perms(0600));
  std::filesystem::create_symlink("target", link);
  OutputFile file(link, true);
  file.write(to_bytes("new"));
  file.commit();
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(read_text(target), "new");
  EXPECT_EQ(std::filesystem::status(target).permissions(), std::filesystem::perms(0600));
}

TEST(OutputFile, CheckMakesNoFile) {
  const TempDir dir;
  OutputFile::check(dir.path("out"), false);
  EXPECT_TRUE(dir.list().empty());
  dir.write("out", "old");
  EXPECT_TOOL_ERROR((OutputFile::check(dir.path("out"), false), 0), 2, "exists already");
  OutputFile::check(dir.path("out"), true);
  EXPECT_EQ(read_text(dir.path("out")), "old");
  EXPECT_TOOL_ERROR((OutputFile::check(dir.path("none/out"), true), 0), 2, "no such file");
  EXPECT_TOOL_ERROR((OutputFile::check(dir.path("."), true), 0), 2, "names a directory");
}

TEST(OutputFile, PlacesThatCannotBeWritten) {
  const TempDir dir;
  EXPECT_TOOL_ERROR(OutputFile(dir.path("none/out"), false), 2, "no such file or directory");
  EXPECT_TOOL_ERROR(OutputFile(dir.path(""), true), 2, "names a directory");
  std::filesystem::create_directory(dir.path("sub"));
  EXPECT_TOOL_ERROR(OutputFile(dir.path("sub"), true), 2, "it is a directory");
  EXPECT_TOOL_ERROR(OutputFile("/dev/null", true), 2, "not a regular file");
  const std::string longest(255, 'n');
  OutputFile(dir.path(longest), false).commit();
  EXPECT_EQ(dir.list(), (std::vector<std::string>{longest, "sub"}));
}

TEST(OutputFile, FatalSignalsLeaveNothing) {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGKILL}) {
    const TempDir dir;
    const int status = in_child("/dev/null", [&] {
      signal(signal_number, SIG_DFL);
      OutputFile file(dir.path("out"), false);
      OutputFile other(dir.path("other"), false);
      file.write(noise(1 << 20, 1));
      // Only where files need names; the program then defers its signals.
      if (file.leaves_file_when_killed() || other.leaves_file_when_killed()) _exit(97);
      raise(signal_number);
    });
    if (WIFEXITED(status) && WEXITSTATUS(status) == 97) GTEST_SKIP() << "no nameless files here";
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal_number) << status;
    EXPECT_TRUE(dir.list().empty());
  }
}

TEST(OutputFile, IgnoredSignalsStayIgnored) {
  const TempDir dir;
  const int status = in_child("/dev/null", [&] {
    signal(SIGHUP, SIG_IGN);
    OutputFile file(dir.path("out"), false);
    raise(SIGHUP);
    file.commit();
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(dir.list(), std::vector<std::string>{"out"});
}

TEST(OutputFile, FullDisk) {
  const TempDir dir;
  const int status = in_child("/dev/full", [] {
    OutputFile file("-", false);
    file.write(noise(1 << 20, 1));
    file.commit();
  });
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 28) << status;

  const int limited = in_child("/dev/null", [&] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 1 << 16, .rlim_max = 1 << 16};
    setrlimit(RLIMIT_FSIZE, &limit);
    OutputFile file(dir.path("out"), false);
    file.write(noise(1 << 20, 1));
    file.commit();
  });
  EXPECT_TRUE(WIFEXITED(limited) && WEXITSTATUS(limited) == 2) << limited;
  EXPECT_TRUE(dir.list().empty());
}

TEST(OutputFile, StandardOutput) {
  const TempDir dir;
  const Model model{.tensors = {meta("a", DCF_DTYPE_F32, {3}), meta("b", DCF_DTYPE_BF16, {2})},
                    .data = {noise(12, 1), noise(4, 2)},
                    .metadata = {{"k", "v"}}};
  for (const SinkFormat format : {SinkFormat::kSafetensors, SinkFormat::kNpz}) {
    const std::string path = dir.path(format == SinkFormat::kNpz ? "npz" : "st");
    EXPECT_EQ(in_child(path, [&] { write_model("-", model, format); }), 0);
    expect_equal(read_model(path), model);
  }
}

}  // namespace
}  // namespace dcf::tools::test
