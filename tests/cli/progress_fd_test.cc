// SPDX-License-Identifier: Apache-2.0
// --progress-fd: lines of progress for another program.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "models.h"
#include "process.h"
#include "support/sample.h"

namespace dcf::tools::test {
namespace {

constexpr int kFd = 7;

struct Line {
  uint64_t done = 0, total = 0;
  std::string step;
};

std::vector<Line> parse(const std::string& text) {
  std::vector<Line> lines;
  std::istringstream in(text);
  for (std::string row; std::getline(in, row);) {
    Line line;
    std::istringstream fields(row);
    fields >> line.done >> line.total;
    fields.ignore(1);
    std::getline(fields, line.step);
    EXPECT_FALSE(fields.fail()) << row;
    lines.push_back(line);
  }
  return lines;
}

// Makes `fd` the descriptor 7 of a child; it may be that one already, which dup2() leaves as it is.
bool hand_on(int fd) {
  return fd >= 0 && dup2(fd, kFd) == kFd && fcntl(kFd, F_SETFD, 0) == 0;
}

// The child gets `flags` of a file as descriptor 7.
Setting with_file(const std::string& path, int flags) {
  return {.prepare = [=] { return hand_on(open(path.c_str(), flags | O_CLOEXEC, 0600)); }};
}

// The child gets the writing end of a pipe as descriptor 7.
Setting with_pipe(int writing_end) {
  return {.prepare = [=] { return hand_on(writing_end); }};
}

class ProgressFd : public testing::Test {
 protected:
  const TempDir dir_;
  const std::string in_ = save(dir_, "in.safetensors", sparse_model());
  std::vector<std::string> args_ = {
      "compress", in_, "-o", dir_.path("out.dcf"), "--json", "--bits", "4", "--progress-fd", "7"};
};

TEST_F(ProgressFd, GetsEveryStepFromBeginningToEnd) {
  const std::string log = dir_.path("log");
  const Result result = dcf(args_, with_file(log, O_WRONLY | O_CREAT));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  result.json();  // the report is as without it
  std::vector<std::string> steps;
  Line before;
  for (const Line& line : parse(read_text(log))) {
    if (steps.empty() || line.step != steps.back()) {
      if (!steps.empty()) EXPECT_EQ(before.done, before.total) << before.step;
      EXPECT_EQ(line.done, 0u) << line.step;
      steps.push_back(line.step);
    } else {
      EXPECT_EQ(line.total, before.total);
      EXPECT_GE(line.done, before.done);
    }
    EXPECT_LE(line.done, line.total);
    before = line;
  }
  EXPECT_EQ(before.done, before.total);
  EXPECT_EQ(steps, (std::vector<std::string>{"compressing", "keeping the files", "measuring"}));
}

TEST_F(ProgressFd, MustBeOpenForWriting) {
  const std::string log = dir_.write("log", "");
  args_[4] = "-q";
  expect_failure(dcf(args_), 2, "7 is not open for writing");
  expect_failure(dcf(args_, with_file(log, O_RDONLY)), 2, "7 is not open for writing");
  for (const std::string bad : {"1", "-1", "0x", "", "4294967303"}) {
    SCOPED_TRACE(bad);
    args_.back() = bad;
    expect_failure(dcf(args_), 2, "--progress-fd");
  }
}

TEST_F(ProgressFd, AReaderThatReadsNothingHoldsUpNothing) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
  const std::string block(4096, 'x');
  while (write(ends[1], block.data(), block.size()) > 0) continue;
  ASSERT_EQ(fcntl(ends[1], F_SETFL, 0), 0);  // a write would wait for ever
  EXPECT_EQ(dcf(args_, with_pipe(ends[1])).exit_code, 0);
  close(ends[0]);
  close(ends[1]);
}

TEST_F(ProgressFd, AReaderThatIsGoneIsNoFailure) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  close(ends[0]);
  EXPECT_EQ(dcf(args_, with_pipe(ends[1])).exit_code, 0);
  close(ends[1]);
}

TEST_F(ProgressFd, DoesNotReachTheShellOfAnEvaluation) {
  const std::string log = dir_.path("log");
  args_.insert(args_.end(), {"--eval", "[ ! -e /proc/self/fd/7 ] && echo 1 # {}"});
  const Result result = dcf(args_, with_file(log, O_WRONLY | O_CREAT));
  EXPECT_EQ(result.exit_code, 0) << result.err << result.out;
}

}  // namespace
}  // namespace dcf::tools::test
