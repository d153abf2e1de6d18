// SPDX-License-Identifier: Apache-2.0
#include "compress/prune.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "base/float_convert.h"
#include "support/words_of.h"

namespace dcf::impl::compress {
namespace {

constexpr DType kFloats[] = {DType::kF64,        DType::kF32,       DType::kF16,
                             DType::kBF16,       DType::kF8E4M3,    DType::kF8E5M2,
                             DType::kF8E4M3FNUZ, DType::kF8E5M2FNUZ};

// Multiples of 1/4 that every format can hold, zeros of both signs and many ties among them.
std::vector<double> coarse_values(size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<double> values(n);
  for (double& v : values)
    v = (random() % 2 == 0 ? -0.25 : 0.25) * static_cast<double>(random() % 9);
  return values;
}

std::vector<bool> unpack(const std::vector<uint64_t>& mask, size_t n) {
  EXPECT_EQ(mask.size(), (n + 63) / 64);
  std::vector<bool> bits(mask.size() * 64);
  for (size_t i = 0; i < bits.size(); ++i) bits[i] = (mask[i / 64] >> (i % 64) & 1) != 0;
  EXPECT_EQ(std::count(bits.begin() + n, bits.end(), true), 0) << "bits past the end";
  bits.resize(n);
  return bits;
}

// The definition: sort by magnitude, ties by index, and drop the first ones and all zeros.
std::vector<bool> sorted_prune(const std::vector<double>& values, size_t count) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return std::abs(values[a]) < std::abs(values[b]); });
  std::vector<bool> keep(values.size());
  for (size_t i = count; i < order.size(); ++i) keep[order[i]] = values[order[i]] != 0;
  return keep;
}

TEST(Prune, KeepsTheGreatestMagnitudes) {
  for (const DType dtype : kFloats) {
    for (const size_t n : {1, 2, 63, 64, 65, 1000}) {
      const std::vector<double> values = coarse_values(n, static_cast<uint32_t>(n));
      const auto bytes = words_of(dtype, values);
      for (const double sparsity : {0.0, 0.01, 0.3, 0.5, 0.91, 0.999}) {
        const auto count = static_cast<size_t>(std::round(sparsity * static_cast<double>(n)));
        ASSERT_EQ(unpack(prune_to_sparsity(dtype, bytes, sparsity), n), sorted_prune(values, count))
            << dtype_name(dtype) << " " << n << " " << sparsity;
      }
    }
  }
}

TEST(Prune, WordsThatDifferInTheirLowestBitAreTold) {
  for (const DType dtype : {DType::kF64, DType::kF32}) {
    std::vector<double> values;
    for (int i = 0; i < 100; ++i) {
      const uint64_t word = double_to_word(dtype, 1.0) + static_cast<uint64_t>(i * 37 % 100);
      values.push_back(word_to_double(dtype, word) * (i % 2 == 0 ? 1 : -1));
    }
    ASSERT_EQ(unpack(prune_to_sparsity(dtype, words_of(dtype, values), 0.42), 100),
              sorted_prune(values, 42));
  }
}

TEST(Prune, MagnitudesOfManyOrdersAreTold) {
  std::mt19937 random(6);
  for (const DType dtype : {DType::kF64, DType::kF32}) {
    std::vector<double> values(3000);
    for (double& v : values) {
      const double mantissa = static_cast<double>(random()) + 1;
      v = word_to_double(
          dtype, double_to_word(dtype, std::ldexp(mantissa, static_cast<int>(random() % 60))));
    }
    for (const double sparsity : {0.1, 0.5, 0.9}) {
      ASSERT_EQ(unpack(prune_to_sparsity(dtype, words_of(dtype, values), sparsity), 3000),
                sorted_prune(values, static_cast<size_t>(std::round(3000 * sparsity))));
    }
  }
}

TEST(Prune, OfEqualMagnitudesTheLowerIndicesGo) {
  const auto bytes = words_of(DType::kF32, {1, -1, 1, -1, 1});
  EXPECT_EQ(prune_to_sparsity(DType::kF32, bytes, 0.4), (std::vector<uint64_t>{0b11100}));
  EXPECT_EQ(prune_to_sparsity(DType::kF32, bytes, 0.5), (std::vector<uint64_t>{0b11000}))
      << "2.5 elements round up";
}

TEST(Prune, ZerosCountAmongThePrunedAndNeverStay) {
  const auto bytes = words_of(DType::kF16, {0, 5, -0.0, 0, 1, 2});
  EXPECT_EQ(prune_to_sparsity(DType::kF16, bytes, 0.0), (std::vector<uint64_t>{0b110010}));
  EXPECT_EQ(prune_to_sparsity(DType::kF16, bytes, 0.5), (std::vector<uint64_t>{0b110010}));
  EXPECT_EQ(prune_to_sparsity(DType::kF16, bytes, 2.0 / 3), (std::vector<uint64_t>{0b100010}));
  EXPECT_EQ(prune_to_sparsity(DType::kF16, bytes, 0.99), (std::vector<uint64_t>{0}));
  EXPECT_TRUE(prune_to_sparsity(DType::kF16, {}, 0.5).empty());
}

TEST(Prune, ThresholdIsAMultipleOfTheStandardDeviation) {
  const std::vector<double> values = {1, -1, 3, -3, 1, -1, 3, -3, 0, 0, 0, 0, 2, -2, 2, -2};
  const double deviation = std::sqrt(56.0 / 16);
  for (const DType dtype : kFloats) {
    for (const double quality : {0.0, 0.5, 0.54, 1.0, 1.06, 1.07, 1.6, 1.61, 1e300}) {
      std::vector<bool> expected;
      for (const double v : values) {
        expected.push_back(v != 0 && std::abs(v) >= quality * deviation);
      }
      EXPECT_EQ(unpack(prune_by_deviation(dtype, words_of(dtype, values), quality), 16), expected)
          << dtype_name(dtype) << " " << quality;
    }
  }
  EXPECT_TRUE(prune_by_deviation(DType::kF32, {}, 1).empty());
}

TEST(Prune, AMagnitudeEqualToTheThresholdStays) {
  const auto bytes = words_of(DType::kF32, {2, -2, 2, -2});
  EXPECT_EQ(prune_by_deviation(DType::kF32, bytes, 1.0), (std::vector<uint64_t>{0b1111}));
  EXPECT_EQ(prune_by_deviation(DType::kF32, bytes, 1.0 + 1e-9), (std::vector<uint64_t>{0}));
}

// 80 is the NaN of the fnuz formats, no zero: pruning takes it for the greatest magnitude.
TEST(Prune, TheNanOfFnuzFormatsIsNoZero) {
  const std::vector<uint8_t> words = {0x80, 0x00, 0x81, 0x02, 0x7F};
  for (const DType dtype : {DType::kF8E4M3FNUZ, DType::kF8E5M2FNUZ}) {
    EXPECT_EQ(prune_to_sparsity(dtype, words, 0.0), (std::vector<uint64_t>{0b11101}));
    EXPECT_EQ(prune_to_sparsity(dtype, words, 0.6), (std::vector<uint64_t>{0b10001}));
    EXPECT_EQ(prune_to_sparsity(dtype, words, 0.8), (std::vector<uint64_t>{0b00001}));
  }
}

}  // namespace
}  // namespace dcf::impl::compress
