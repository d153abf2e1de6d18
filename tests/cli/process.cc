// SPDX-License-Identifier: Apache-2.0
#include "process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "model_test_util.h"

namespace dcf::tools::test {
namespace {

constexpr int kNotStarted = 126;

std::string new_capture() {
  std::string path = ::testing::TempDir() + "dcf_cli_XXXXXX";
  const int fd = mkstemp(path.data());
  EXPECT_GE(fd, 0);
  close(fd);
  return path;
}

void redirect(const std::string& path, int flags, int to) {
  const int fd = open(path.c_str(), flags);
  if (fd < 0 || dup2(fd, to) < 0) _exit(kNotStarted);
}

std::string take(const std::string& path) {
  std::string text = read_text(path);
  std::filesystem::remove(path);
  return text;
}

}  // namespace

nlohmann::ordered_json Result::json() const {
  auto value = nlohmann::ordered_json::parse(out, nullptr, false);
  EXPECT_FALSE(value.is_discarded()) << "no JSON: " << out << err;
  return value;
}

Setting within_cpu_seconds(uint64_t seconds) {
  Setting setting;
  setting.prepare = [seconds] {
    const rlimit limit{seconds, seconds};
    return setrlimit(RLIMIT_CPU, &limit) == 0;
  };
  return setting;
}

Child::Child(const std::vector<std::string>& args, const Setting& setting)
    : out_path_(new_capture()), err_path_(new_capture()) {
  std::vector<char*> argv = {const_cast<char*>("dcf")};
  for (const std::string& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
#ifdef __GLIBC__
  malloc_trim(0);  // what this process holds counts for the peak of its children
#endif
  pid_ = fork();
  if (pid_ != 0) return;
  redirect(setting.stdin_path, O_RDONLY, STDIN_FILENO);
  redirect(setting.stdout_path.empty() ? out_path_ : setting.stdout_path, O_WRONLY, STDOUT_FILENO);
  redirect(err_path_, O_WRONLY, STDERR_FILENO);
  if (setting.prepare()) execv(setting.program.c_str(), argv.data());
  _exit(kNotStarted);
}

void Child::signal(int number) const {
  kill(pid_, number);
}

bool Child::is_running() const {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

Result Child::wait() {
  int status = 0;
  rusage usage{};
  EXPECT_EQ(wait4(pid_, &status, 0, &usage), pid_);
  Result result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  result.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  result.out = take(out_path_);
  result.err = take(err_path_);
  result.peak_bytes = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  EXPECT_NE(result.exit_code, kNotStarted) << "the program did not start";
  return result;
}

Result dcf(const std::vector<std::string>& args, const Setting& setting) {
  return Child(args, setting).wait();
}

void expect_success(const Result& result) {
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err << "signal " << result.signal;
  EXPECT_EQ(result.err, "");
}

void expect_failure(const Result& result, int exit_code, const std::string& text) {
  EXPECT_EQ(result.exit_code, exit_code) << result.err << "signal " << result.signal;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  EXPECT_TRUE(result.err.starts_with("dcf: ")) << result.err;
  EXPECT_NE(result.err.find(text), std::string::npos) << result.err;
}

}  // namespace dcf::tools::test
