// SPDX-License-Identifier: Apache-2.0
// Reports on files of many small things: their memory and time do not outgrow those of the file.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <dcf/dcf.hpp>

#include "models.h"
#include "process.h"

namespace dcf::tools::test {
namespace {

// The program ends by a signal once it has used this much of a processor. The reports below take a
// fraction of a second, or minutes where their time grows with the square.
Setting within_cpu_seconds(rlim_t seconds) {
  Setting setting;
  setting.prepare = [seconds] {
    const rlimit limit{seconds, seconds};
    return setrlimit(RLIMIT_CPU, &limit) == 0;
  };
  return setting;
}

constexpr size_t kPairs = size_t{1} << 16;
constexpr size_t kTensors = size_t{1} << 17;

TEST(Many, MetadataPairsTakeLinearTime) {
  const TempDir dir;
  const std::string file = dir.path("pairs.dcf");
  {
    dcf::Writer writer = dcf::Writer::open(file).value();
    for (size_t i = 0; i < kPairs; ++i) writer.add_metadata(std::to_string(i), "v").value();
    writer.finish().value();
  }
  const Result info = dcf({"info", "--json", file}, within_cpu_seconds(10));
  expect_success(info);
  EXPECT_EQ(info.json()["metadata"].size(), kPairs);
  const Result again =
      dcf({"compress", "--json", file, "-o", dir.path("out.dcf")}, within_cpu_seconds(10));
  expect_success(again);
  EXPECT_EQ(again.json()["metadata"].size(), kPairs);
}

class ManyTensors : public ::testing::Test {
 protected:
  ManyTensors() {
    const uint64_t dims[] = {0, 3};
    dcf::Writer writer = dcf::Writer::open(file_).value();
    for (size_t i = 0; i < kTensors; ++i) {
      const std::string number = std::to_string(i);
      const std::string name = "layer." + std::string(7 - number.size(), '0') + number + ".weight";
      writer.add<float>(name, {}, dims).value();
    }
    writer.finish().value();
  }

  // More than checking the file takes.
  uint64_t extra_memory(const std::vector<std::string>& args) {
    const Result result = dcf(args, within_cpu_seconds(60));
    expect_success(result);
    const Result verify = dcf({"verify", file_, "-T", "1"});
    out_ = result.out;
    return result.peak_bytes - std::min(result.peak_bytes, verify.peak_bytes);
  }

  static constexpr uint64_t kLittle = uint64_t{32} << 20;
  TempDir dir_;
  std::string file_ = dir_.path("many.dcf");
  std::string out_;
};

TEST_F(ManyTensors, InfoTakesLittleMoreMemoryThanVerify) {
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"info", "-T", "1", file_}, {"info", "-T", "1", "-v", file_}}) {
    EXPECT_LT(extra_memory(args), kLittle);
    EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), kTensors + 2);
  }
  EXPECT_LT(extra_memory({"info", "-T", "1", "--json", file_}), kLittle);
  EXPECT_EQ(nlohmann::json::parse(out_)["tensors"].size(), kTensors);
}

}  // namespace
}  // namespace dcf::tools::test
