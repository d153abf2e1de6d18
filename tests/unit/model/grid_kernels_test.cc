// SPDX-License-Identifier: Apache-2.0
// Every table of grid kernels against the portable one.
#include "model/grid_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/dtype.h"

namespace dcf::impl::model {
namespace {

class GridKernelsTest : public ::testing::Test {
 protected:
  // Of about so many bits; many are small, some 0 with a sign.
  std::vector<uint32_t> numbers(size_t n, unsigned bits) {
    std::vector<uint32_t> all(n);
    for (uint32_t& number : all) {
      number = static_cast<uint32_t>(rng_()) & ((1u << (1 + rng_() % bits)) - 1);
    }
    return all;
  }
  std::mt19937 rng_{17};
};

TEST_F(GridKernelsTest, Integers) {
  for (const uint32_t cols : {1u, 2u, 3u, 15u, 16u, 17u, 63u, 64u, 65u, 129u, 1024u, 3001u}) {
    for (const size_t n : {size_t{1}, size_t{cols}, size_t{cols} * 3 + cols / 2 + 1}) {
      const std::vector<uint32_t> from = numbers(n, 24);
      std::vector<uint32_t> expected = from;
      kScalarGridKernels.integers(cols, expected);
      for (const GridKernels* const kernels : available_grid_kernels()) {
        std::vector<uint32_t> found = from;
        found.push_back(0xA5A5A5A5);
        kernels->integers(cols, std::span(found).first(n));
        EXPECT_EQ(found.back(), 0xA5A5A5A5);
        found.pop_back();
        ASSERT_EQ(found, expected) << cpu_set_name(kernels->set) << " " << cols << " " << n;
      }
    }
  }
}

TEST_F(GridKernelsTest, Words) {
  struct Units {
    uint32_t run;
    uint32_t units;
  };
  for (const Units u : {Units{1, 1}, Units{1, 7}, Units{3, 5}, Units{64, 3}, Units{1000, 2}}) {
    for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF16}) {
      format::Tensor tensor;
      tensor.dtype = dtype;
      tensor.encoding.grid_run = u.run;
      tensor.encoding.grid_units = u.units;
      // Up to words that are infinite, down to those that are subnormal or 0.
      std::vector<float> scales;
      for (uint32_t i = 0; i < u.units; ++i) {
        scales.push_back(std::ldexp(1.0F + static_cast<float>(rng_() % 1000) / 1000,
                                    static_cast<int>(rng_() % 60) - 40));
      }
      for (const uint64_t first : {0, 1, 4321}) {
        const std::vector<uint32_t> from = numbers(3003, 20);
        const size_t bytes = from.size() * dtype_bits(dtype) / 8;
        std::vector<uint8_t> expected(bytes);
        kScalarGridKernels.words(tensor, scales, first, from, expected.data());
        for (const GridKernels* const kernels : available_grid_kernels()) {
          std::vector<uint8_t> found(bytes + 1, 0xA5);
          kernels->words(tensor, scales, first, from, found.data());
          EXPECT_EQ(found.back(), 0xA5);
          found.pop_back();
          ASSERT_EQ(found, expected) << cpu_set_name(kernels->set) << " " << dtype_name(dtype);
        }
      }
    }
  }
}

}  // namespace
}  // namespace dcf::impl::model
