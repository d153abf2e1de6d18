// SPDX-License-Identifier: Apache-2.0
#include "research/train/formulas.h"

#include <gtest/gtest.h>

namespace dcf::tools {
namespace {

TEST(Formulas, CubicSchedule) {
  EXPECT_EQ(sparsity_at(0.1, 0.9, 0, 10, 110), 0.1);
  EXPECT_EQ(sparsity_at(0.1, 0.9, 10, 10, 110), 0.1);
  EXPECT_DOUBLE_EQ(sparsity_at(0.1, 0.9, 60, 10, 110), 0.9 - 0.8 * 0.125);
  EXPECT_DOUBLE_EQ(sparsity_at(0, 0.8, 75, 0, 100), 0.8 * (1 - 1.0 / 64));
  EXPECT_EQ(sparsity_at(0.1, 0.9, 110, 10, 110), 0.9);
  EXPECT_EQ(sparsity_at(0.1, 0.9, UINT64_MAX, 10, 110), 0.9);
  EXPECT_EQ(sparsity_at(0.1, 0.9, 4, 5, 5), 0.1) << "a step";
  EXPECT_EQ(sparsity_at(0.1, 0.9, 5, 5, 5), 0.9);
  for (uint64_t step = 1; step < 200; ++step) {
    EXPECT_LE(sparsity_at(0, 0.9, step - 1, 20, 150), sparsity_at(0, 0.9, step, 20, 150));
  }
}

TEST(Formulas, DropoutShrinksByTheRootOfTheShareKept) {
  EXPECT_DOUBLE_EQ(dropout_rate(0.5, 25, 100), 0.25);
  EXPECT_DOUBLE_EQ(dropout_rate(0.5, 100, 100), 0.5);
  EXPECT_EQ(dropout_rate(0.5, 0, 100), 0);
  EXPECT_EQ(dropout_rate(0.5, 0, 0), 0.5);
}

// The paper's example: 16 weights of 32 bits in 4 clusters shrink by 3.2.
TEST(Formulas, PapersEquationOne) {
  EXPECT_DOUBLE_EQ(compression_rate(16, 32, 4), 3.2);
  EXPECT_DOUBLE_EQ(compression_rate(1000, 32, 1), 1000);
  EXPECT_DOUBLE_EQ(compression_rate(266200, 32, 32), 266200.0 * 32 / (266200.0 * 5 + 1024));
  EXPECT_EQ(compression_rate(0, 32, 4), 0);
  EXPECT_EQ(compression_rate(16, 32, 0), 0);
}

}  // namespace
}  // namespace dcf::tools
