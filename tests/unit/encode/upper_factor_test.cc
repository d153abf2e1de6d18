// SPDX-License-Identifier: Apache-2.0
#include "encode/round/upper_factor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "support/normal_weights.h"

namespace dcf::impl::encode {
namespace {

// A A^T + I of random A, whole.
std::vector<double> positive_definite(size_t n, uint32_t seed) {
  const std::vector<float> a = normal_weights(n * n, seed);
  std::vector<double> m(n * n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      for (size_t k = 0; k < n; ++k) m[i * n + j] += double{a[i * n + k]} * a[j * n + k];
    }
    m[i * n + i] += 1;
  }
  return m;
}

TEST(UpperFactor, ItsProductIsTheMatrix) {
  for (const size_t n : {1, 2, 31, 32, 33, 64, 97}) {
    const std::vector<double> matrix = positive_definite(n, 1);
    std::vector<double> u = matrix;
    const Result<bool> factored = factor_upper(u, n, 0.5, Parallel{}, nullptr);
    ASSERT_TRUE(factored.ok() && factored.value()) << n;
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = i; j < n; ++j) {
        double sum = 0;
        for (size_t k = 0; k <= i; ++k) sum += u[k * n + i] * u[k * n + j];
        EXPECT_NEAR(sum, matrix[i * n + j], 1e-10 * static_cast<double>(n)) << n;
      }
      for (size_t j = 0; j < i; ++j) EXPECT_EQ(u[i * n + j], matrix[i * n + j]);
    }
  }
}

TEST(UpperFactor, DoesNotDependOnThreads) {
  constexpr size_t kSize = 150;
  std::vector<double> one = positive_definite(kSize, 2);
  std::vector<double> four = one;
  ASSERT_TRUE(factor_upper(one, kSize, 0.5, Parallel{}, nullptr).value());
  ASSERT_TRUE(factor_upper(four, kSize, 0.5, Parallel{.threads = 4}, nullptr).value());
  EXPECT_EQ(one, four);
}

TEST(UpperFactor, RefusesPivotsThatAreTooSmall) {
  for (const size_t at : {0, 10, 40, 69}) {
    std::vector<double> matrix = positive_definite(70, 3);
    matrix[at * 70 + at] = -1;
    EXPECT_FALSE(factor_upper(matrix, 70, 1e-3, Parallel{}, nullptr).value());
  }
  std::vector<double> identity(70 * 70);
  for (size_t i = 0; i < 70; ++i) identity[i * 71] = 1;
  std::vector<double> again = identity;
  EXPECT_TRUE(factor_upper(identity, 70, 0.99, Parallel{}, nullptr).value());
  EXPECT_FALSE(factor_upper(again, 70, 1.01, Parallel{}, nullptr).value());
  again[0] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(factor_upper(again, 70, 1e-3, Parallel{}, nullptr).value());
}

TEST(UpperFactor, CanBeCancelled) {
  std::vector<double> matrix = positive_definite(70, 4);
  const Progress stop([](void*, uint64_t, uint64_t) { return 1; }, nullptr);
  EXPECT_EQ(factor_upper(matrix, 70, 1e-3, Parallel{}, &stop).status().code, Code::Cancelled);
}

}  // namespace
}  // namespace dcf::impl::encode
