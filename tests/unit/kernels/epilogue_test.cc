// SPDX-License-Identifier: Apache-2.0
// Bias and ReLU in the output of every kernel: exactly what they make of the sums without them.
#include "kernels/epilogue.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/packed_conv.h"
#include "random_entries.h"

namespace dcf::impl::kernels {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

std::vector<float> normal_floats(size_t n, std::mt19937_64& random) {
  std::normal_distribution<float> normal;
  std::vector<float> x(n);
  for (float& v : x) v = normal(random);
  return x;
}

// The plain reference: y[i] is of row i / each % rows.
std::vector<float> finished(std::vector<float> y, const std::vector<float>& bias, bool relu,
                            uint64_t rows, uint64_t each) {
  for (size_t i = 0; i < y.size(); ++i) {
    if (!bias.empty()) y[i] = y[i] + bias[i / each % rows];
    if (relu && y[i] < 0) y[i] = 0;
  }
  return y;
}

// Bits, so that NaN equals itself and -0 differs from 0.
void expect_same(const std::vector<float>& a, const std::vector<float>& b, const char* name) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    ASSERT_EQ(std::bit_cast<uint32_t>(a[i]), std::bit_cast<uint32_t>(b[i])) << name << ' ' << i;
  }
}

// `each`: outputs of a row in a sample.
void expect_epilogues(const LayerKernel& kernel, const std::vector<float>& x, uint64_t batch,
                      uint64_t rows, uint64_t each, std::mt19937_64& random) {
  std::vector<float> plain(batch * rows * each);
  kernel.apply(x.data(), batch, plain.data(), kOneThread, {});
  std::vector<float> bias = normal_floats(rows, random);
  bias.front() = -kInf;
  bias.back() = kNan;
  for (const bool with_bias : {false, true}) {
    for (const bool relu : {false, true}) {
      for (const unsigned threads : {1u, 3u}) {
        const std::vector<float> none;
        std::vector<float> y(plain.size(), 99);
        kernel.apply(x.data(), batch, y.data(), Parallel{threads},
                     {with_bias ? bias.data() : nullptr, relu});
        expect_same(y, finished(plain, with_bias ? bias : none, relu, rows, each), kernel.name());
      }
    }
  }
}

TEST(Epilogue, ReluKeepsNanAndMinusZero) {
  EXPECT_EQ(Epilogue::rectified(2.5f), 2.5f);
  EXPECT_EQ(Epilogue::rectified(-2.5f), 0.0f);
  EXPECT_FALSE(std::signbit(Epilogue::rectified(-2.5f)));
  EXPECT_EQ(Epilogue::rectified(-kInf), 0.0f);
  EXPECT_EQ(Epilogue::rectified(kInf), kInf);
  EXPECT_TRUE(std::isnan(Epilogue::rectified(kNan)));
  EXPECT_TRUE(std::signbit(Epilogue::rectified(-0.0f)));
}

TEST(Epilogue, EveryLinearKernel) {
  std::mt19937_64 random(1);
  for (const uint64_t rows : {1, 17, 600}) {
    for (const uint32_t codes : {0u, 8u, 200u}) {
      const uint64_t cols = 1 + random() % 300;
      const LayerEntries e = random_entries(rows, cols, 0.4, codes, random);
      for (const uint64_t batch : {1, 3, 17, 70}) {
        const std::vector<float> x = normal_floats(batch * cols, random);
        for (const auto& kernel : all_kernels(e)) {
          expect_epilogues(*kernel, x, batch, rows, 1, random);
          ASSERT_FALSE(HasFailure()) << rows << " rows, batch " << batch;
        }
      }
    }
  }
}

// Blocks of rows and ranges of columns: the bias comes once, with the last range.
TEST(Epilogue, ColumnsInSeveralRanges) {
  std::mt19937_64 random(2);
  const LayerEntries e = random_entries(9000, 200, 1, 4, random);
  const auto kernel = make_columns(e, kOneThread);
  ASSERT_NE(kernel, nullptr);
  expect_epilogues(*kernel, normal_floats(2 * 200, random), 2, 9000, 1, random);
}

TEST(Epilogue, LongRowsInBlocksOfGroups) {
  std::mt19937_64 random(3);
  const LayerEntries e = random_entries(3, 30000, 0.1, 16, random);
  const auto kernel = make_code_groups(AllEntries(e, kOneThread));
  ASSERT_NE(kernel, nullptr);
  expect_epilogues(*kernel, normal_floats(30000, random), 1, 3, 1, random);
}

TEST(Epilogue, EveryConvolution) {
  std::mt19937_64 random(4);
  for (const uint64_t groups : {1, 2}) {
    constexpr uint64_t kOut = 8;
    format::Tensor weight;
    weight.dtype = DType::kF32;
    const std::array<uint64_t, 4> dims = {kOut, 6 / groups, 3, 3};
    weight.dims = dims;
    weight.elements = kOut * 6 / groups * 9;
    Conv2d conv;
    conv.in_channels = 6;
    conv.groups = groups;
    conv.y = {.size = 9, .stride = 1, .pad = 1};
    conv.x = {.size = 11, .stride = 2, .pad = 1};
    ASSERT_TRUE(conv.complete(weight).ok());
    const LayerEntries e = random_entries(kOut, 6 / groups * 9, 0.5, 4, random);
    for (const TileLoops* loops : available_tile_loops()) {
      for (const bool dense : {false, true}) {
        const auto kernel = make_packed_conv(e, conv, dense, kOneThread, *loops);
        const std::vector<float> x = normal_floats(3 * conv.in_size, random);
        expect_epilogues(*kernel, x, 3, kOut, conv.y.out * conv.x.out, random);
      }
    }
  }
}

}  // namespace
}  // namespace dcf::impl::kernels
