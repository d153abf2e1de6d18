// SPDX-License-Identifier: Apache-2.0
// Words of floats are those of base/float_convert.h, for every word and between any two of them.
#include "base/float_word.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/float_convert.h"

namespace dcf::impl {
namespace {

template <typename Float>
void expect_words(DType dtype) {
  using Word = typename Float::Word;
  for (uint32_t w = 0; w < 0x10000; ++w) {
    const auto word = static_cast<Word>(w);
    const float value = word_to_float(dtype, word);
    if (!std::isfinite(value)) continue;
    ASSERT_EQ(std::bit_cast<uint32_t>(Float::value(word)), std::bit_cast<uint32_t>(value)) << w;
    ASSERT_EQ(Float::word(value), word);
    // The value, the middle to the next one, and the floats beside both.
    const float next = word_to_float(dtype, w + 1);
    const float middle = static_cast<float>((double{value} + double{next}) / 2);
    for (const float x : {value, middle}) {
      for (const float to : {-HUGE_VALF, HUGE_VALF}) {
        const float near = std::nextafter(x, to);
        if (std::isnan(near)) continue;
        ASSERT_EQ(Float::word(near), double_to_word(dtype, double{near})) << near;
      }
      if (!std::isnan(x)) ASSERT_EQ(Float::word(x), double_to_word(dtype, double{x})) << x;
    }
  }
  std::mt19937 random(1);
  for (int i = 0; i < 1 << 18; ++i) {
    const auto x = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (std::isnan(x)) continue;
    ASSERT_EQ(Float::word(x), double_to_word(dtype, double{x})) << x;
  }
}

TEST(FloatWord, F16) {
  expect_words<F16Word>(DType::kF16);
}
TEST(FloatWord, BF16) {
  expect_words<BF16Word>(DType::kBF16);
}

}  // namespace
}  // namespace dcf::impl
