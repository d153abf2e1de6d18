// SPDX-License-Identifier: Apache-2.0
// Reports on files of many small things: their memory and time do not outgrow those of the file.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <dcf/dcf.hpp>

#include "models.h"
#include "process.h"

namespace dcf::tools::test {
namespace {

// Time that grows with their square is more than a minute of a processor.
constexpr size_t kPairs = size_t{1} << 18;
constexpr size_t kTensors = size_t{1} << 17;

// A line each. Reading the text as ordered JSON would take the time that the program must not.
size_t pairs_in(const std::string& json) {
  constexpr std::string_view kValue = ": \"v\"";
  size_t count = 0;
  for (size_t at = json.find(kValue); at != std::string::npos; at = json.find(kValue, at + 1)) {
    ++count;
  }
  return count;
}

TEST(Many, MetadataPairsTakeLinearTime) {
  const TempDir dir;
  const std::string file = dir.path("pairs.dcf");
  {
    dcf::Writer writer = dcf::Writer::open(file).value();
    for (size_t i = 0; i < kPairs; ++i) writer.add_metadata(std::to_string(i), "v").value();
    writer.finish().value();
  }
  const Result info = dcf({"info", "--json", file}, within_cpu_seconds(20));
  expect_success(info);
  EXPECT_EQ(pairs_in(info.out), kPairs);
  const Result again =
      dcf({"compress", "--json", file, "-o", dir.path("out.dcf")}, within_cpu_seconds(20));
  expect_success(again);
  EXPECT_EQ(pairs_in(again.out), kPairs);
}

void write_many_tensors(const std::string& path) {
  const uint64_t dims[] = {0, 3};
  dcf::Writer writer = dcf::Writer::open(path).value();
  for (size_t i = 0; i < kTensors; ++i) {
    const std::string number = std::to_string(i);
    const std::string name = "layer." + std::string(7 - number.size(), '0') + number + ".weight";
    writer.add<float>(name, {}, dims).value();
  }
  writer.finish().value();
}

class ManyTensors : public ::testing::Test {
 protected:
  // What this process holds counts for the peak of its children, so a child writes the file, and
  // the first of them measures how much `verify` takes.
  void SetUp() override {
    const pid_t child = fork();
    if (child == 0) {
      write_many_tensors(file_);
      _exit(0);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    const Result verify = dcf({"verify", file_, "-T", "1"});
    expect_success(verify);
    verify_bytes_ = verify.peak_bytes;
  }

  Result within_little_more_memory(const std::vector<std::string>& args) {
    Result result = dcf(args, within_cpu_seconds(60));
    expect_success(result);
    EXPECT_LT(result.peak_bytes, verify_bytes_ + (uint64_t{32} << 20));
    return result;
  }

  TempDir dir_;
  std::string file_ = dir_.path("many.dcf");
  uint64_t verify_bytes_ = 0;
};

TEST_F(ManyTensors, InfoTakesLittleMoreMemoryThanVerify) {
  const Result text = within_little_more_memory({"info", "-T", "1", file_});
  EXPECT_EQ(static_cast<size_t>(std::count(text.out.begin(), text.out.end(), '\n')), kTensors + 2);
}

TEST_F(ManyTensors, VerboseInfoTakesLittleMoreMemoryThanVerify) {
  within_little_more_memory({"info", "-T", "1", "-v", file_});
}

TEST_F(ManyTensors, InfoAsJsonTakesLittleMoreMemoryThanVerify) {
  const Result json = within_little_more_memory({"info", "-T", "1", "--json", file_});
  EXPECT_EQ(json.json()["tensors"].size(), kTensors);
}

}  // namespace
}  // namespace dcf::tools::test
