// SPDX-License-Identifier: Apache-2.0
// Weight sharing through dcf/dcf_encode.h.
#include <dcf/dcf_encode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "support/normal_weights.h"

namespace {

struct Shared {
  std::vector<float> codebook;
  std::vector<uint8_t> codes;
};

dcf_share_options options_of(uint32_t clusters, dcf_init init, double lambda, uint64_t seed = 1) {
  dcf_share_options options;
  dcf_share_options_init(&options);
  options.clusters = clusters;
  options.init = init;
  options.lambda = lambda;
  options.seed = seed;
  return options;
}

Shared share(const std::vector<float>& w, const uint8_t* mask, const float* importance,
             const dcf_share_options& options) {
  Shared shared{std::vector<float>(options.clusters), std::vector<uint8_t>(w.size(), 99)};
  uint32_t size = 99;
  EXPECT_EQ(dcf_share(w.data(), mask, importance, w.size(), &options, shared.codebook.data(), &size,
                      shared.codes.data(), nullptr),
            DCF_OK);
  EXPECT_LE(size, options.clusters);
  shared.codebook.resize(size);
  return shared;
}

constexpr dcf_init kInits[] = {DCF_INIT_LINEAR, DCF_INIT_DENSITY, DCF_INIT_FORGY, DCF_INIT_OPTIMAL};

// The sum of importance * (w - c)^2 + lambda * bits over the kept weights.
double objective(const std::vector<float>& w, const float* importance, const Shared& shared,
                 double lambda) {
  std::vector<double> count(256);
  double kept = 0, sum = 0;
  for (const uint8_t code : shared.codes) {
    count[code] += 1;
    kept += code != 0;
  }
  for (size_t i = 0; i < w.size(); ++i) {
    const uint8_t code = shared.codes[i];
    if (code == 0) continue;
    const double d = static_cast<double>(w[i]) - shared.codebook[code - 1];
    sum += (importance == nullptr ? 1 : importance[i]) * (d * d);
    sum -= lambda * std::log2(count[code] / kept);
  }
  return sum;
}

// Least squared distance of all ways to cut a sorted sample into at most k ranges.
double least_distance(const std::vector<float>& sorted, size_t first, size_t k) {
  if (first == sorted.size()) return 0;
  double least = std::numeric_limits<double>::infinity();
  if (k == 0) return least;
  for (size_t last = first + 1; last <= sorted.size(); ++last) {
    double mean = 0, distance = 0;
    for (size_t i = first; i < last; ++i) mean += sorted[i];
    mean /= static_cast<double>(last - first);
    for (size_t i = first; i < last; ++i) distance += (sorted[i] - mean) * (sorted[i] - mean);
    least = std::min(least, distance + least_distance(sorted, last, k - 1));
  }
  return least;
}

TEST(EncodeApiShare, PlainOptimalIsTheBruteForceOptimum) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    const auto w = normal_weights(2 + seed % 9, seed);
    auto sorted = w;
    std::sort(sorted.begin(), sorted.end());
    for (uint32_t k = 1; k <= 4; ++k) {
      const Shared shared = share(w, nullptr, nullptr, options_of(k, DCF_INIT_OPTIMAL, 0));
      ASSERT_NEAR(objective(w, nullptr, shared, 0), least_distance(sorted, 0, k), 1e-6);
    }
  }
}

TEST(EncodeApiShare, CodebookAscendsAndEveryEntryIsUsed) {
  auto w = normal_weights(3000, 2);
  for (size_t i = 0; i < w.size(); i += 3) w[i] = i % 2 == 0 ? 0.0f : -0.0f;
  std::vector<float> importance = normal_weights(3000, 3);
  for (float& h : importance) h *= h;
  for (const dcf_init init : kInits) {
    for (const double lambda : {0.0, 0.01}) {
      for (const float* h : std::initializer_list<const float*>{nullptr, importance.data()}) {
        const Shared shared = share(w, nullptr, h, options_of(16, init, lambda));
        ASSERT_GT(shared.codebook.size(), 4u);
        for (size_t c = 1; c < shared.codebook.size(); ++c) {
          ASSERT_LT(shared.codebook[c - 1], shared.codebook[c]);
        }
        std::vector<bool> used(shared.codebook.size() + 1);
        for (size_t i = 0; i < w.size(); ++i) {
          ASSERT_EQ(shared.codes[i] == 0, w[i] == 0) << "no mask keeps the nonzeros";
          used.at(shared.codes[i]) = true;
        }
        ASSERT_EQ(std::count(used.begin(), used.end(), false), 0);
      }
    }
  }
}

TEST(EncodeApiShare, AMaskDecidesWhatIsKept) {
  const std::vector<float> w = {5, 0, 1, 1, 9};
  const std::vector<uint8_t> mask = {1, 7, 1, 1, 0};
  const Shared shared = share(w, mask.data(), nullptr, options_of(8, DCF_INIT_LINEAR, 0));
  EXPECT_EQ(shared.codebook, (std::vector<float>{0, 1, 5}));
  EXPECT_EQ(shared.codes, (std::vector<uint8_t>{3, 1, 2, 2, 0}));
}

TEST(EncodeApiShare, NothingKeptHasNoCodebook) {
  EXPECT_TRUE(share({}, nullptr, nullptr, options_of(4, DCF_INIT_OPTIMAL, 0)).codebook.empty());
  for (const double lambda : {0.0, 1.0}) {
    const Shared shared =
        share({0, -0.0f}, nullptr, nullptr, options_of(4, DCF_INIT_FORGY, lambda));
    EXPECT_TRUE(shared.codebook.empty());
    EXPECT_EQ(shared.codes, (std::vector<uint8_t>{0, 0}));
  }
}

TEST(EncodeApiShare, DefaultsArePapersFullyConnectedLayers) {
  const auto w = normal_weights(2000, 4);
  const Shared expected = share(w, nullptr, nullptr, options_of(32, DCF_INIT_LINEAR, 0));
  Shared shared{std::vector<float>(32), std::vector<uint8_t>(w.size())};
  uint32_t size;
  ASSERT_EQ(dcf_share(w.data(), nullptr, nullptr, w.size(), nullptr, shared.codebook.data(), &size,
                      shared.codes.data(), nullptr),
            DCF_OK);
  shared.codebook.resize(size);
  EXPECT_EQ(shared.codebook, expected.codebook);
  EXPECT_EQ(shared.codes, expected.codes);
}

TEST(EncodeApiShare, ZeroIsACentroidOnlyWhereTheOptimumIsZero) {
  const float least = std::numeric_limits<float>::denorm_min();
  for (const double lambda : {0.0, 1e-300}) {
    const auto one = options_of(1, DCF_INIT_OPTIMAL, lambda);
    EXPECT_EQ(share({-2, 2}, nullptr, nullptr, one).codebook[0], 0);
    EXPECT_FALSE(std::signbit(share({-2, 2}, nullptr, nullptr, one).codebook[0]));
    // Means of a third of the least float.
    EXPECT_EQ(share({least, least, -least}, nullptr, nullptr, one).codebook[0], least);
    EXPECT_EQ(share({-least, least, -least}, nullptr, nullptr, one).codebook[0], -least);
  }
}

// Bits dearer than any distance, beside importance next to nothing: one cluster, and no overflow.
TEST(EncodeApiShare, ExtremePricesLeaveOneCluster) {
  std::vector<float> w = normal_weights(300, 5);
  w[0] = std::numeric_limits<float>::max();
  const float least = std::numeric_limits<float>::denorm_min();
  for (const float each : {0.0f, least, 1.0f}) {
    const std::vector<float> importance(w.size(), each);
    for (const dcf_init init : kInits) {
      EXPECT_EQ(share(w, nullptr, importance.data(), options_of(9, init, 1e100)).codebook.size(),
                1u);
      EXPECT_EQ(share(w, nullptr, nullptr, options_of(9, init, 1e100)).codebook.size(), 1u);
    }
  }
}

TEST(EncodeApiShare, ImportanceMovesTheCentroid) {
  const std::vector<float> w = {1, 2}, importance = {3, 1};
  const Shared shared = share(w, nullptr, importance.data(), options_of(1, DCF_INIT_LINEAR, 0));
  EXPECT_EQ(shared.codebook, (std::vector<float>{1.25f}));
}

// Fisher information is often minute: scaled with lambda, it gives the same result.
TEST(EncodeApiShare, OnlyRatiosOfImportanceAndLambdaMatter) {
  const auto w = normal_weights(3000, 10);
  std::vector<float> importance = normal_weights(w.size(), 11), minute = importance;
  for (float& h : importance) h *= h;
  for (size_t i = 0; i < w.size(); ++i) minute[i] = std::ldexp(importance[i], -30);
  const Shared a = share(w, nullptr, importance.data(), options_of(16, DCF_INIT_DENSITY, 0.02));
  const Shared b =
      share(w, nullptr, minute.data(), options_of(16, DCF_INIT_DENSITY, std::ldexp(0.02, -30)));
  EXPECT_GT(a.codebook.size(), 4u);
  EXPECT_EQ(a.codebook, b.codebook);
  EXPECT_EQ(a.codes, b.codes);
}

TEST(EncodeApiShare, RateBeatsPlainAtItsOwnObjective) {
  const auto w = normal_weights(20000, 6);
  std::vector<float> importance = normal_weights(w.size(), 7);
  for (float& h : importance) h *= h;
  for (const double lambda : {0.001, 0.02, 0.2}) {
    for (const dcf_init init : kInits) {
      const Shared plain = share(w, nullptr, nullptr, options_of(16, init, 0));
      const Shared rate = share(w, nullptr, nullptr, options_of(16, init, lambda));
      EXPECT_LT(objective(w, nullptr, rate, lambda), objective(w, nullptr, plain, lambda));
      const Shared weighted = share(w, nullptr, importance.data(), options_of(16, init, lambda));
      EXPECT_LT(objective(w, importance.data(), weighted, lambda),
                objective(w, importance.data(), rate, lambda));
    }
  }
}

std::vector<double> bits_of(const Shared& shared) {
  std::vector<double> bits(shared.codebook.size()), count(bits);
  double kept = 0;
  for (const uint8_t code : shared.codes) {
    if (code != 0) count[code - 1] += 1;
    kept += code != 0;
  }
  for (size_t c = 0; c < bits.size(); ++c) bits[c] = -std::log2(count[c] / kept);
  return bits;
}

// What sharing ends with, assignment to its codebook and bits does not change.
TEST(EncodeApiShare, AssignmentAgreesWithSharing) {
  const auto w = normal_weights(5000, 8);
  std::vector<float> importance = normal_weights(w.size(), 9);
  for (float& h : importance) h *= h;
  for (const double lambda : {0.0, 0.01}) {
    for (const float* h : std::initializer_list<const float*>{nullptr, importance.data()}) {
      const Shared shared = share(w, nullptr, h, options_of(8, DCF_INIT_DENSITY, lambda));
      const std::vector<double> bits = bits_of(shared);
      std::vector<uint8_t> codes(w.size());
      ASSERT_EQ(
          dcf_assign(w.data(), nullptr, h, w.size(), shared.codebook.data(), bits.data(),
                     static_cast<uint32_t>(shared.codebook.size()), lambda, codes.data(), nullptr),
          DCF_OK);
      size_t changed = 0;
      for (size_t i = 0; i < w.size(); ++i) changed += codes[i] != shared.codes[i];
      EXPECT_LE(changed, 1u)
          << "but for a weight at a border, as the codebook was rounded to float";
    }
  }
}

TEST(EncodeApiAssign, TakesTheLeastCostInAnyOrderOfTheCodebook) {
  const std::vector<float> w = {0, 0.4f, 0.6f, 0.5f, -3};
  const std::vector<float> codebook = {1, 0, 1};
  std::vector<uint8_t> codes(5);
  const auto assign = [&](const double* bits, double lambda) {
    EXPECT_EQ(dcf_assign(w.data(), nullptr, nullptr, 5, codebook.data(), bits, 3, lambda,
                         codes.data(), nullptr),
              DCF_OK);
    return codes;
  };
  EXPECT_EQ(assign(nullptr, 7), (std::vector<uint8_t>{0, 2, 1, 2, 2}));
  const double bits[] = {3, 1, 2};
  EXPECT_EQ(assign(bits, 0), (std::vector<uint8_t>{0, 2, 1, 2, 2}));
  EXPECT_EQ(assign(bits, 0.1), (std::vector<uint8_t>{0, 2, 3, 2, 2}));
  EXPECT_EQ(assign(bits, 1), (std::vector<uint8_t>{0, 2, 2, 2, 2}));
  const double forbid[] = {0, INFINITY, 0};
  EXPECT_EQ(assign(forbid, 0), (std::vector<uint8_t>{0, 1, 1, 1, 1}));
}

TEST(EncodeApiAssign, KeptWeightsNeedACentroid) {
  const float w[] = {0, 1}, centroid = 1;
  const double forbidden = INFINITY;
  uint8_t codes[] = {9, 9};
  EXPECT_EQ(dcf_assign(w, nullptr, nullptr, 2, nullptr, nullptr, 0, 0, codes, nullptr),
            DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(dcf_assign(w, nullptr, nullptr, 2, &centroid, &forbidden, 1, 0, codes, nullptr),
            DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(codes[0], 9) << "nothing was written";
  EXPECT_EQ(dcf_assign(w, nullptr, nullptr, 1, nullptr, nullptr, 0, 0, codes, nullptr), DCF_OK);
  EXPECT_EQ(codes[0], 0);
}

TEST(EncodeApiExpand, GivesWeightsBack) {
  const std::vector<float> codebook = {-1, 2};
  const std::vector<uint8_t> codes = {2, 0, 1, 2};
  std::vector<float> w(4, NAN);
  ASSERT_EQ(dcf_expand(codes.data(), 4, codebook.data(), 2, w.data(), nullptr), DCF_OK);
  EXPECT_EQ(w, (std::vector<float>{2, 0, -1, 2}));
  EXPECT_FALSE(std::signbit(w[1]));
  const std::vector<float> before = w;
  EXPECT_EQ(dcf_expand(codes.data(), 4, codebook.data(), 1, w.data(), nullptr),
            DCF_STATUS_BAD_INDEX);
  EXPECT_EQ(w, before);
}

TEST(EncodeApiExpand, AFullCodebookUsesEveryCode) {
  std::vector<float> w(300);
  for (size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i % 255) + 1;
  const Shared shared = share(w, nullptr, nullptr, options_of(255, DCF_INIT_LINEAR, 0));
  ASSERT_EQ(shared.codebook.size(), 255u);
  std::vector<float> back(w.size());
  ASSERT_EQ(
      dcf_expand(shared.codes.data(), w.size(), shared.codebook.data(), 255, back.data(), nullptr),
      DCF_OK);
  EXPECT_EQ(back, w);
}

}  // namespace
