// SPDX-License-Identifier: Apache-2.0
// Trellis values of a writer: the search finds the nearest row there is, sums are kept without
// leaving the trellis, and numbers are those that the decoder takes apart.
#include "encode/round/trellis.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <random>

#include "base/bucket.h"
#include "model/grid_values.h"
#include "support/normal_weights.h"

namespace dcf::impl::encode {
namespace {

// As grid_numbers() has them: the magnitude above the sign.
std::vector<uint32_t> numbers_of(std::span<const int32_t> integers) {
  std::vector<uint32_t> numbers;
  for (const int32_t q : integers) {
    numbers.push_back(static_cast<uint32_t>(std::abs(q)) << 1 | (q < 0 ? 1 : 0));
  }
  return numbers;
}

// Section 8.4, by the offsets alone.
bool obeys(std::span<const int32_t> q) {
  for (size_t c = 0; c < q.size(); ++c) {
    const int32_t before = c < 2 ? 0 : q[c - 2];
    const int32_t parity = c == 0 ? 0 : (q[c - 1] - (q[c - 1] & 1)) / 2;
    if (((q[c] ^ before ^ parity) & 1) != 0) return false;
  }
  return true;
}

double squares(std::span<const float> steps, std::span<const float> weights,
               std::span<const int32_t> q) {
  double sum = 0;
  for (size_t i = 0; i < q.size(); ++i) {
    sum += weights[i] * (double{steps[i]} - q[i]) * (double{steps[i]} - q[i]);
  }
  return sum;
}

// The least sum of squares of all rows of trellis values near the steps.
double least_of_all(std::span<const float> steps, std::span<const float> weights,
                    std::vector<int32_t>* row) {
  if (row->size() == steps.size()) return squares(steps, weights, *row);
  double least = 1e30;
  const auto near = static_cast<int32_t>(std::lround(steps[row->size()]));
  for (int32_t q = near - 3; q <= near + 3; ++q) {
    row->push_back(q);
    if (obeys(*row)) least = std::min(least, least_of_all(steps, weights, row));
    row->pop_back();
  }
  return least;
}

std::vector<float> ones(size_t n) {
  return std::vector<float>(n, 1.0F);
}

std::vector<float> normal_steps(size_t n, uint32_t seed, float deviation) {
  std::vector<float> steps = normal_weights(n, seed);
  for (float& x : steps) x *= deviation;
  return steps;
}

TEST(Trellis, NoRowIsNearer) {
  TrellisSearch search;
  for (uint32_t seed = 0; seed < 200; ++seed) {
    const std::vector<float> steps = normal_steps(1 + seed % 7, seed, seed % 2 == 0 ? 1.0F : 40.0F);
    std::vector<int32_t> found(steps.size());
    search.nearest(steps, ones(steps.size()), 1, found.data());
    ASSERT_TRUE(obeys(found)) << seed;
    std::vector<int32_t> row;
    ASSERT_NEAR(squares(steps, ones(steps.size()), found),
                least_of_all(steps, ones(steps.size()), &row), 1e-3)
        << seed;
  }
}

// Of elements with weights: squares of errors that one heavy element makes large do not hide those
// of the others.
TEST(Trellis, NoRowIsNearerByWeights) {
  TrellisSearch search;
  for (uint32_t seed = 0; seed < 200; ++seed) {
    const std::vector<float> steps = normal_steps(2 + seed % 6, seed, 5);
    std::vector<float> weights(steps.size(), 1e-4F);
    weights[seed % steps.size()] = 1;
    std::vector<int32_t> found(steps.size());
    search.nearest(steps, weights, 1, found.data());
    ASSERT_TRUE(obeys(found)) << seed;
    std::vector<int32_t> row;
    const double least = least_of_all(steps, weights, &row);
    ASSERT_NEAR(squares(steps, weights, found), least, 1e-3 * least) << seed;
  }
}

// Every kernel, with rows that end in the middle of a block, zeros, and ties.
TEST(Trellis, KernelsFindTheSameWays) {
  std::mt19937 random(5);
  for (uint32_t seed = 0; seed < 300; ++seed) {
    const size_t n = 1 + random() % 200;
    std::array<std::vector<float>, 2> steps = {normal_steps(n, seed, 3),
                                               normal_steps(n, ~seed, 90)};
    if (seed % 3 == 0) {
      for (float& x : steps[seed % 2]) x = std::round(2 * x) / 2;
    }
    std::vector<float> weights(n);
    for (float& weight : weights) weight = std::ldexp(1.0F, -static_cast<int>(random() % 30));
    const size_t blocks = (n + kTrellisBlock - 1) / kTrellisBlock;
    std::vector<TrellisWays> expected;
    std::array<size_t, 2> states{};
    for (const TrellisKernels* const kernels : available_trellis_kernels()) {
      std::vector<TrellisWays> ways(2 * blocks);
      std::array<TrellisRow, 2> rows = {
          TrellisRow{steps[0].data(), weights.data(), ways.data(), 9},
          TrellisRow{steps[1].data(), weights.data(), ways.data() + blocks, 9}};
      kernels->search(rows.data(), n);
      if (expected.empty()) {
        expected = ways;
        states = {rows[0].state, rows[1].state};
      }
      EXPECT_EQ(std::memcmp(ways.data(), expected.data(), ways.size() * sizeof(TrellisWays)), 0)
          << cpu_set_name(kernels->set) << " " << seed;
      EXPECT_EQ(rows[0].state, states[0]) << cpu_set_name(kernels->set) << " " << seed;
      EXPECT_EQ(rows[1].state, states[1]) << cpu_set_name(kernels->set) << " " << seed;
    }
  }
}

TEST(Trellis, RowsTogetherAreThoseAlone) {
  TrellisSearch search;
  for (size_t rows = 1; rows < 6; ++rows) {
    for (const size_t n : {size_t{1}, size_t{31}, size_t{32}, size_t{33}, size_t{500}}) {
      const std::vector<float> steps = normal_steps(rows * n, static_cast<uint32_t>(n), 30);
      std::vector<int32_t> together(rows * n);
      search.nearest(steps, ones(rows * n), rows, together.data());
      for (size_t row = 0; row < rows; ++row) {
        std::vector<int32_t> alone(n);
        search.nearest(std::span(steps).subspan(row * n, n), ones(n), 1, alone.data());
        EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.data() + row * n))
            << rows << " rows of " << n;
      }
    }
  }
}

TEST(Trellis, ZerosStayZero) {
  TrellisSearch search;
  for (uint32_t seed = 0; seed < 100; ++seed) {
    std::vector<float> steps = normal_steps(500, seed, 9);
    for (size_t i = seed % 7; i < steps.size(); i += 1 + seed) steps[i] = i % 2 == 0 ? 0.0F : -0.0F;
    std::vector<int32_t> found(steps.size());
    search.nearest(steps, ones(steps.size()), 1, found.data());
    search.keep_sum(steps, found.data());
    ASSERT_TRUE(obeys(found)) << seed;
    for (size_t i = 0; i < steps.size(); ++i) {
      if (steps[i] == 0) ASSERT_EQ(found[i], 0) << seed;
    }
  }
}

TEST(Trellis, ErrorsOfLongRowsAreAsStated) {
  TrellisSearch search;
  const std::vector<float> steps = normal_steps(size_t{1} << 16, 4, 60);
  std::vector<int32_t> found(steps.size());
  search.nearest(steps, ones(steps.size()), 1, found.data());
  EXPECT_TRUE(obeys(found));
  EXPECT_NEAR(squares(steps, ones(steps.size()), found) / static_cast<double>(steps.size()),
              kTrellisError, 0.003);
}

TEST(Trellis, SumsAreKeptToHalfAStep) {
  TrellisSearch search;
  for (uint32_t seed = 0; seed < 300; ++seed) {
    const size_t n = 64 + seed * 13 % 2000;
    const std::vector<float> steps = normal_steps(n, seed, 20);
    std::vector<int32_t> found(n);
    search.nearest(steps, ones(steps.size()), 1, found.data());
    const double before = squares(steps, ones(steps.size()), found);
    search.keep_sum(steps, found.data());
    ASSERT_TRUE(obeys(found)) << seed;
    double missing = 0;
    for (size_t i = 0; i < n; ++i) missing += double{steps[i]} - found[i];
    EXPECT_LE(std::abs(missing), 0.501) << seed;
    EXPECT_LE(squares(steps, ones(steps.size()), found), 1.25 * before + 10) << seed;
  }
}

TEST(Trellis, NumbersComeBack) {
  std::mt19937 random(3);
  TrellisSearch search;
  for (uint32_t seed = 0; seed < 100; ++seed) {
    const size_t n = 1 + random() % 1500;
    const std::vector<float> steps = normal_steps(n, seed, seed % 3 == 0 ? 1e6F : 2.0F);
    std::vector<int32_t> integers(n);
    search.nearest(steps, ones(n), 1, integers.data());
    const std::vector<uint32_t> expected = numbers_of(integers);
    ASSERT_TRUE(are_trellis_values(expected)) << seed;
    std::vector<uint32_t> numbers = expected;
    to_trellis_numbers(numbers);
    model::trellis_integers(static_cast<uint32_t>(n), numbers);
    ASSERT_EQ(numbers, expected) << seed;
    // One integer that is even where it was odd is none.
    std::vector<uint32_t> other = expected;
    other[random() % n] ^= 2;
    EXPECT_FALSE(are_trellis_values(other)) << seed;
  }
}

TEST(Trellis, WhatHasNoNumberIsNone) {
  constexpr uint32_t kNegativeZero = 1;
  constexpr uint32_t kMost = (1u << (kTrellisBits + 1)) - 8;  // a multiple of four
  EXPECT_TRUE(are_trellis_values(std::vector<uint32_t>{0, kMost}));
  EXPECT_TRUE(are_trellis_values(std::vector<uint32_t>{0, kMost | 1}));
  EXPECT_FALSE(are_trellis_values(std::vector<uint32_t>{0, kMost + 8}));
  EXPECT_FALSE(are_trellis_values(std::vector<uint32_t>{0, kNegativeZero}));
  EXPECT_TRUE(are_trellis_values({}));
}

}  // namespace
}  // namespace dcf::impl::encode
