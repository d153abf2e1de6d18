// SPDX-License-Identifier: Apache-2.0
#include "compress/rate_assign.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace dcf::impl::compress {
namespace {

constexpr double kForbidden = std::numeric_limits<double>::infinity();

// The definition: least cost, then the lower centroid, then the lower index.
size_t brute_best(const std::vector<double>& centroids, const std::vector<double>& costs, double w,
                  double importance) {
  size_t best = centroids.size();
  double best_cost = kForbidden;
  for (size_t i = 0; i < centroids.size(); ++i) {
    const double d = w - centroids[i];
    const double cost = importance * (d * d) + costs[i];
    if (cost < best_cost || (cost == best_cost && best < i && centroids[i] < centroids[best])) {
      best = i;
      best_cost = cost;
    }
  }
  return best;
}

TEST(CountBelow, IsLowerBound) {
  std::vector<double> bounds;
  for (int size = 0; size < 40; ++size) {
    for (double x = -1; x <= size + 1; x += 0.5) {
      const auto expected = std::lower_bound(bounds.begin(), bounds.end(), x) - bounds.begin();
      ASSERT_EQ(count_below(bounds, x), static_cast<size_t>(expected)) << size << " " << x;
    }
    bounds.push_back(size - size % 3);  // some equal
  }
}

// Small integers: every cost is exact, ties abound, and some centroids are equal.
TEST(RateAssign, IsTheLeastCostOfAll) {
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    const size_t k = 1 + random() % 12;
    std::vector<double> centroids(k), costs(k);
    for (double& c : centroids) c = static_cast<double>(random() % 64) - 32;
    for (double& c : costs) c = random() % 5 == 0 ? kForbidden : random() % 400;
    costs[random() % k] = 7;
    const RateAssigner assigner(centroids, costs);
    for (double w = -40; w <= 40; w += 1) {
      ASSERT_EQ(assigner.best(w, 1), brute_best(centroids, costs, w, 1)) << w;
      const double importance = random() % 4;
      ASSERT_EQ(assigner.best(w, importance), brute_best(centroids, costs, w, importance)) << w;
    }
  }
}

TEST(RateAssign, TheEnvelopeGivesTheSameCost) {
  std::mt19937 random(2);
  std::normal_distribution<double> normal;
  for (int round = 0; round < 2000; ++round) {
    const size_t k = 1 + random() % 20;
    std::vector<double> centroids(k), costs(k);
    for (double& c : centroids) c = normal(random);
    for (double& c : costs) c = std::abs(normal(random)) * (round % 3);
    const RateAssigner assigner(centroids, costs);
    ASSERT_EQ(assigner.thresholds().size() + 1, assigner.winners().size());
    for (int i = 0; i < 100; ++i) {
      const double w = 2 * normal(random);
      const auto cost = [&](size_t c) {
        return (w - centroids[c]) * (w - centroids[c]) + costs[c];
      };
      ASSERT_NEAR(cost(assigner.best(w)), cost(brute_best(centroids, costs, w, 1)), 1e-12);
    }
  }
}

TEST(RateAssign, APriceCanMakeACentroidUseless) {
  const RateAssigner assigner(std::vector<double>{0, 1, 2}, std::vector<double>{0, 5, 0});
  EXPECT_EQ(assigner.winners(), (std::vector<uint8_t>{0, 2}));
  EXPECT_EQ(assigner.best(1), 0) << "a tie";
  EXPECT_EQ(assigner.best(1.001), 2);
}

}  // namespace
}  // namespace dcf::impl::compress
