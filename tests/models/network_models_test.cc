// SPDX-License-Identifier: Apache-2.0
// Published networks on MNIST: compressed with their description, then measured from the .dcf. The
// error rates are those that were measured of the checkpoints themselves.
#include <filesystem>

#include "cli/network/network.h"
#include "cli/process.h"
#include "model_test_util.h"
#include "support/real_model.h"

namespace dcf::tools::test {
namespace {

struct Goal {
  const char* model;
  const char* network;
  const char* error;
};

class RealModelOnMnist : public testing::TestWithParam<Goal> {};

TEST_P(RealModelOnMnist, ErrorFromTheCompressedFile) {
  const std::string weights = dcf::test::real_model(GetParam().model + std::string(".safetensors"));
  const std::string images = dcf::test::real_model("t10k-images-idx3-ubyte.gz");
  for (const std::string& path : {weights, images}) {
    if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  }
  const TempDir dir;
  Model model = read_model(weights);
  model.metadata["dcf.network"] = builtin_network(GetParam().network);
  const std::string whole = dir.path("net.safetensors");
  const std::string packed = dir.path("net.dcf");
  write_model(whole, model, SinkFormat::kSafetensors);
  expect_success(dcf({"compress", whole, "-q", "-o", packed}));
  const Result result = dcf({"run", packed, "--test", dcf::test::real_model("")});
  expect_success(result);
  EXPECT_EQ(result.out, packed + ": " + GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(Lenets, RealModelOnMnist,
                         testing::Values(Goal{"lenet300100_sparse", "lenet-300-100",
                                              "1.99 % wrong (199 of 10000 images)\n"},
                                         Goal{"lenet300100_original", "lenet-300-100",
                                              "2.28 % wrong (228 of 10000 images)\n"},
                                         Goal{"lenet5_sparse", "lenet-5",
                                              "0.91 % wrong (91 of 10000 images)\n"}),
                         [](const auto& goal) { return std::string(goal.param.model); });

}  // namespace
}  // namespace dcf::tools::test
