// SPDX-License-Identifier: Apache-2.0
#include "base/rank_one.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace dcf::impl {
namespace {

struct Fit {
  std::vector<float> mean, mean_square;
};

Fit fit(const std::vector<float>& matrix, size_t n) {
  Fit result{std::vector<float>(n), std::vector<float>(n)};
  fit_rank_one(
      n,
      [&](size_t i, std::span<float> row) {
        ASSERT_EQ(row.size(), n);
        std::copy_n(matrix.begin() + static_cast<ptrdiff_t>(i * n), n, row.begin());
      },
      result.mean, result.mean_square);
  return result;
}

TEST(RankOne, FindsTheVectorOfAProduct) {
  const std::vector<float> v = {3, -1, 0.5F, 2, 0};
  std::vector<float> matrix(25);
  for (size_t i = 0; i < 25; ++i) matrix[i] = v[i / 5] * v[i % 5];
  const Fit found = fit(matrix, 5);
  const float sign = found.mean[0] < 0 ? -1 : 1;
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(found.mean[i] * sign, v[i], 1e-5F);
    EXPECT_EQ(found.mean_square[i], v[i] * v[i]);
  }
}

TEST(RankOne, KeepsTheDiagonalAndStaysBelowIt) {
  std::vector<float> matrix(100, 1.0F);
  for (size_t i = 0; i < 10; ++i) matrix[i * 11] = 1 + 0.1F * static_cast<float>(i);
  const Fit found = fit(matrix, 10);
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(found.mean_square[i], matrix[i * 11]);
    EXPECT_LE(found.mean[i] * found.mean[i], found.mean_square[i] * 1.000001F);
    EXPECT_GT(found.mean[i] * found.mean[i], 0.8F);
  }
}

TEST(RankOne, OfNothingIsNothing) {
  const Fit zero = fit(std::vector<float>(16, 0.0F), 4);
  for (size_t i = 0; i < 4; ++i) EXPECT_TRUE(zero.mean[i] == 0 && zero.mean_square[i] == 0);
  // Not positive semidefinite: still finite.
  for (const float m : fit({-1, 0, 0, -1}, 2).mean) EXPECT_EQ(m, 0);
}

}  // namespace
}  // namespace dcf::impl
