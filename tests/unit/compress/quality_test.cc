// SPDX-License-Identifier: Apache-2.0
#include "compress/quality.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace dcf::impl::compress {
namespace {

TEST(Quality, EqualTensorsGetItAll) {
  const std::vector<uint64_t> elements(7, 1000);
  for (const double sqnr : allot_sqnr(40, elements)) EXPECT_NEAR(sqnr, 40, 1e-9);
}

TEST(Quality, TenTimesTheWeightsAreTenDecibelsCoarser) {
  const std::vector<double> sqnr = allot_sqnr(40, std::vector<uint64_t>{100000, 10000, 1000});
  EXPECT_NEAR(sqnr[1] - sqnr[0], 10, 1e-9);
  EXPECT_NEAR(sqnr[2] - sqnr[1], 10, 1e-9);
}

TEST(Quality, MeanOverAllWeightsIsTheQuality) {
  const std::vector<uint64_t> elements = {11720448, 147456, 147456, 589824, 196608};
  const std::vector<double> sqnr = allot_sqnr(30, elements);
  double sum = 0;
  double weights = 0;
  for (size_t i = 0; i < elements.size(); ++i) {
    sum += sqnr[i] * static_cast<double>(elements[i]);
    weights += static_cast<double>(elements[i]);
  }
  EXPECT_NEAR(sum / weights, 30, 1e-9);
}

TEST(Quality, StaysInItsRange) {
  const uint64_t large = uint64_t{1} << 40;
  EXPECT_EQ(allot_sqnr(40, std::vector<uint64_t>{large, 512})[1], kGreatestShare);
  // Many small ones of a third of all weights, so that the large one is far above the mean.
  std::vector<uint64_t> elements(100, 1000);
  elements.push_back(200000);
  EXPECT_EQ(allot_sqnr(6, elements)[100], kLeastSqnr);
}

// Least sum of losses at equal bits: each tensor loses in proportion to its elements.
TEST(Quality, CostsShareTheLossesByTheElements) {
  const std::vector<uint64_t> elements = {1000, 5000, 20000};
  const std::vector<double> costs = {3e-4, 1e-2, 2e-5};
  const std::vector<double> sqnr = allot_sqnr(30, elements, costs);
  double mean = 0;
  for (size_t i = 0; i < 3; ++i) {
    const double loss = costs[i] * std::pow(10, -sqnr[i] / 10);
    EXPECT_NEAR(loss / static_cast<double>(elements[i]),
                costs[0] * std::pow(10, -sqnr[0] / 10) / 1000, 1e-12);
    mean += sqnr[i] * static_cast<double>(elements[i]) / 26000;
  }
  EXPECT_NEAR(mean, 30, 1e-9);
}

TEST(Quality, TensorsThatCostNothingAreWorthSomething) {
  const std::vector<uint64_t> elements = {1000, 1000, 1000};
  const std::vector<double> costs = {-1e-9, 0, 1};
  const std::vector<double> sqnr = allot_sqnr(40, elements, costs);
  EXPECT_NEAR(sqnr[0], 20, 1e-6);
  EXPECT_EQ(sqnr[0], sqnr[1]);
  EXPECT_EQ(sqnr[2], kGreatestShare);
  const std::vector<double> nothing = {0, 0, -1};
  EXPECT_EQ(allot_sqnr(40, elements, nothing), allot_sqnr(40, elements));
}

TEST(Quality, NothingToShare) {
  EXPECT_TRUE(allot_sqnr(40, {}).empty());
  EXPECT_EQ(allot_sqnr(40, std::vector<uint64_t>{0, 0}), std::vector<double>({40, 40}));
  EXPECT_NEAR(allot_sqnr(40, std::vector<uint64_t>{0, 512})[1], 40, 1e-9);
}

TEST(Quality, StepLeavesTheRatio) {
  // An error spread evenly over a step has a twelfth of its square as mean square.
  for (const double sqnr : {6.0, 20.0, 40.0, 60.0}) {
    const double step = step_for(0.25, sqnr);
    EXPECT_NEAR(10 * std::log10(0.25 * 0.25 / (step * step / 12)), sqnr, 1e-9);
  }
}

}  // namespace
}  // namespace dcf::impl::compress
