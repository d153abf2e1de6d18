// SPDX-License-Identifier: Apache-2.0
#include "compress/rate_cluster.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "compress/radix_sort.h"
#include "compress/rate_assign.h"

namespace dcf::impl::compress {
namespace {

struct Problem {
  std::vector<float> weights, importance;
  double lambda;
};

Problem random_problem(size_t n, double lambda, bool with_importance, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Problem problem{std::vector<float>(n), std::vector<float>(n, 1.0f), lambda};
  for (float& w : problem.weights) w = normal(random);
  for (float& h : problem.importance) {
    const float root = normal(random);
    if (with_importance) h = root * root;
  }
  return problem;
}

// Distance to given centroids and bits of given codes.
double cost(const Problem& problem, const std::vector<uint8_t>& codes,
            const RateCodebook& codebook) {
  double sum = 0;
  for (size_t i = 0; i < codes.size(); ++i) {
    const double d = problem.weights[i] - codebook.centroids[codes[i]];
    sum += problem.importance[i] * (d * d) + problem.lambda * codebook.bits[codes[i]];
  }
  return sum;
}

// The best codebook of given codes, by the definition.
RateCodebook codebook_of(const Problem& problem, const std::vector<uint8_t>& codes, size_t k) {
  std::vector<double> count(k), importance(k), moment(k);
  for (size_t i = 0; i < codes.size(); ++i) {
    count[codes[i]] += 1;
    importance[codes[i]] += problem.importance[i];
    moment[codes[i]] += static_cast<double>(problem.importance[i]) * problem.weights[i];
  }
  RateCodebook codebook;
  for (size_t c = 0; c < k; ++c) {
    codebook.centroids.push_back(importance[c] > 0 ? moment[c] / importance[c] : 0);
    codebook.bits.push_back(-std::log2(count[c] / static_cast<double>(codes.size())));
  }
  return codebook;
}

// Codes of least cost of all k^n.
std::vector<uint8_t> brute_force(const Problem& problem, size_t k) {
  std::vector<uint8_t> codes(problem.weights.size()), best;
  double least = std::numeric_limits<double>::infinity();
  for (;;) {
    const double total = cost(problem, codes, codebook_of(problem, codes, k));
    if (total < least) {
      least = total;
      best = codes;
    }
    size_t i = 0;
    while (i < codes.size() && ++codes[i] == k) codes[i++] = 0;
    if (i == codes.size()) return best;
  }
}

std::vector<uint8_t> assigned(const Problem& problem, const RateCodebook& codebook) {
  const RateAssigner assigner(codebook.centroids, codebook.costs(problem.lambda));
  std::vector<uint8_t> codes(problem.weights.size());
  for (size_t i = 0; i < codes.size(); ++i) {
    codes[i] = assigner.best(problem.weights[i], problem.importance[i]);
  }
  return codes;
}

double final_cost(const Problem& problem, const RateCodebook& codebook) {
  return cost(problem, assigned(problem, codebook), codebook);
}

SortedSample<float> sorted(std::vector<float> values) {
  sort_floats(&values);
  return SortedSample<float>(std::move(values));
}

RateCodebook spread_start(size_t k) {
  std::vector<double> centroids;
  for (size_t i = 0; i < k; ++i) {
    centroids.push_back(4 * (static_cast<double>(i) + 0.5) / static_cast<double>(k) - 2);
  }
  return equal_rates(std::move(centroids));
}

TEST(RateCluster, NoTurnRaisesTheObjective) {
  for (const double lambda : {0.0, 0.001, 0.03, 0.3}) {
    for (uint32_t seed = 0; seed < 20; ++seed) {
      const Problem problem = random_problem(500, lambda, seed % 2 == 1, seed);
      RateCodebook codebook = spread_start(2 + seed);
      double before = std::numeric_limits<double>::infinity();
      for (int turn = 0; turn < 30; ++turn) {
        std::vector<uint8_t> codes(problem.weights.size());
        const RateCodebook next =
            rate_turn(problem.weights, problem.importance, codebook, lambda, codes);
        const double with_old = cost(problem, codes, codebook);
        const double with_new = cost(problem, codes, next);
        ASSERT_LE(with_old, before * (1 + 1e-12)) << lambda << " " << seed << " " << turn;
        ASSERT_LE(with_new, with_old * (1 + 1e-12)) << lambda << " " << seed << " " << turn;
        before = with_new;
        codebook = next;
      }
    }
  }
}

TEST(RateCluster, TheBruteForceOptimumIsAFixedPointAndNothingIsBelowIt) {
  for (const double lambda : {0.0, 0.01, 0.1, 0.5}) {
    for (uint32_t seed = 0; seed < 12; ++seed) {
      const bool weighted = seed % 2 == 1;
      const Problem problem = random_problem(7, lambda, weighted, 100 + seed);
      const RateCodebook best = codebook_of(problem, brute_force(problem, 3), 3);
      const double least = final_cost(problem, best);
      const auto sample = sorted(problem.weights);
      const auto solve = [&](const RateCodebook& start) {
        return weighted ? cluster_by_rate(problem.weights, problem.importance, start, lambda)
                        : cluster_by_rate(sample, start, lambda);
      };
      ASSERT_NEAR(final_cost(problem, solve(best)), least, 1e-12);
      ASSERT_GE(final_cost(problem, solve(spread_start(3))), least - 1e-12);
    }
  }
}

// It ends where a turn changes nothing: codes and codebook are each the best for the other.
TEST(RateCluster, EndsInALocalMinimum) {
  for (const double lambda : {0.0, 0.005, 0.05}) {
    const Problem problem = random_problem(3000, lambda, true, 5);
    const RateCodebook end =
        cluster_by_rate(problem.weights, problem.importance, spread_start(9), lambda);
    std::vector<uint8_t> codes(problem.weights.size());
    const RateCodebook next = rate_turn(problem.weights, problem.importance, end, lambda, codes);
    EXPECT_EQ(next.centroids, end.centroids);
    EXPECT_EQ(next.bits, end.bits);
  }
}

TEST(RateCluster, RangesOfASortedSampleGiveWhatSingleWeightsGive) {
  for (const double lambda : {0.0, 0.005, 0.05, 0.5}) {
    const Problem problem = random_problem(2000, lambda, false, 8);
    const RateCodebook ranges = cluster_by_rate(sorted(problem.weights), spread_start(12), lambda);
    const RateCodebook singly =
        cluster_by_rate(problem.weights, problem.importance, spread_start(12), lambda);
    for (size_t c = 0; c < 12; ++c) {
      ASSERT_NEAR(ranges.centroids[c], singly.centroids[c], 1e-9);
      ASSERT_EQ(ranges.bits[c], singly.bits[c]);
    }
  }
}

TEST(RateCluster, ClustersDieAsBitsGetDearer) {
  const Problem problem = random_problem(2000, 0, false, 9);
  size_t previous = 33;
  for (const double lambda : {0.0, 0.01, 0.1, 1.0, 100.0}) {
    const RateCodebook end = cluster_by_rate(sorted(problem.weights), spread_start(32), lambda);
    const auto alive = static_cast<size_t>(
        std::count_if(end.bits.begin(), end.bits.end(), [](double b) { return std::isfinite(b); }));
    EXPECT_LT(alive, previous) << lambda;
    previous = alive;
  }
  EXPECT_EQ(previous, 1u);
}

TEST(RateCluster, WeightsWithoutImportanceTakeTheCheapestCode) {
  const std::vector<float> weights = {0, 0, 0, 10, 10}, importance = {1, 1, 1, 1, 0};
  const RateCodebook end = cluster_by_rate(weights, importance, equal_rates({1, 9}), 0.01);
  EXPECT_EQ(end.centroids, (std::vector<double>{0, 10}));
  EXPECT_DOUBLE_EQ(end.bits[0], -std::log2(0.8));
  EXPECT_DOUBLE_EQ(end.bits[1], -std::log2(0.2));
}

// More weights than cells: the end is as good as that of turns over all weights.
TEST(RateCluster, CellsLoseNothingToSpeakOf) {
  for (const double lambda : {0.0, 0.01}) {
    const Problem problem = random_problem(100000, lambda, true, 10);
    const RateCodebook end =
        cluster_by_rate(problem.weights, problem.importance, spread_start(8), lambda);
    RateCodebook exact = spread_start(8);
    std::vector<uint8_t> codes(problem.weights.size());
    for (int turn = 0; turn < 120; ++turn) {
      exact = rate_turn(problem.weights, problem.importance, exact, lambda, codes);
    }
    EXPECT_LT(final_cost(problem, end), final_cost(problem, exact) * 1.0005) << lambda;
  }
}

TEST(RadixSort, SortsFloatsOfEitherSignAndAnyMagnitude) {
  std::mt19937 random(3);
  for (const size_t n : {0, 1, 2, 1000, 5000}) {
    std::vector<float> values(n);
    for (float& v : values) {
      v = std::ldexp(static_cast<float>(random() % 2001) - 1000,
                     static_cast<int>(random() % 250) - 140);
    }
    std::vector<float> expected = values;
    std::sort(expected.begin(), expected.end());
    sort_floats(&values);
    ASSERT_EQ(values, expected);
  }
  std::vector<float> zeros = {0.0f, -0.0f, 1.0f, -1.0f};
  sort_floats(&zeros);
  EXPECT_TRUE(std::signbit(zeros[1]) && !std::signbit(zeros[2]));
}

TEST(RadixSort, KeysOfAnyWidth) {
  std::mt19937_64 random(4);
  for (const unsigned bits : {0u, 1u, 8u, 9u, 16u, 32u, 63u}) {
    for (const size_t n : {0, 1, 2, 3, 700}) {
      std::vector<uint64_t> keys(n);
      for (uint64_t& key : keys) key = random() >> (63 - bits) << 1;
      std::vector<uint64_t> expected = keys;
      std::sort(expected.begin(), expected.end());
      sort_keys(&keys);
      ASSERT_EQ(keys, expected) << bits;
    }
  }
}

}  // namespace
}  // namespace dcf::impl::compress
