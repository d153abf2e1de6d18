// SPDX-License-Identifier: Apache-2.0
#include "base/float_convert.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/float_kernels.h"

namespace dcf::impl {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// The definition of a small float format, evaluated with ldexp.
struct Format {
  DType dtype;
  int exponent_bits;
  int mantissa_bits;

  int bits() const { return 1 + exponent_bits + mantissa_bits; }
  int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  uint32_t magnitude(uint32_t word) const { return word & ((1u << (bits() - 1)) - 1); }
  bool is_nan(uint32_t word) const {
    if (dtype == DType::kF8E4M3) return magnitude(word) == 0x7F;
    return magnitude(word) > (((1u << exponent_bits) - 1) << mantissa_bits);
  }
  bool is_inf(uint32_t word) const {
    return dtype != DType::kF8E4M3 &&
           magnitude(word) == (((1u << exponent_bits) - 1) << mantissa_bits);
  }
  bool is_finite(uint32_t word) const { return !is_nan(word) && !is_inf(word); }
  double value(uint32_t word) const {
    const int exponent = static_cast<int>(magnitude(word) >> mantissa_bits);
    const int mantissa = static_cast<int>(word & ((1u << mantissa_bits) - 1));
    const double v = exponent == 0 ? std::ldexp(mantissa, 1 - bias() - mantissa_bits)
                                   : std::ldexp(mantissa + (1 << mantissa_bits),
                                                exponent - bias() - mantissa_bits);
    const double magnitude_value = is_inf(word) ? kInf : v;
    return (word >> (bits() - 1)) != 0 ? -magnitude_value : magnitude_value;
  }
};

constexpr Format kSmallFormats[] = {
    {DType::kF16, 5, 10}, {DType::kBF16, 8, 7}, {DType::kF8E4M3, 4, 3}, {DType::kF8E5M2, 5, 2}};

uint32_t float_bits(float v) {
  return std::bit_cast<uint32_t>(v);
}

TEST(FloatConvert, EveryWordOfTheSmallFormatsHasItsDefinedValue) {
  for (const Format& f : kSmallFormats) {
    for (uint32_t word = 0; word < (1u << f.bits()); ++word) {
      const float as_float = word_to_float(f.dtype, word);
      const double as_double = word_to_double(f.dtype, word);
      if (f.is_nan(word)) {
        ASSERT_TRUE(std::isnan(as_float) && std::isnan(as_double)) << dtype_name(f.dtype) << word;
        ASSERT_EQ(std::signbit(as_float), (word >> (f.bits() - 1)) != 0);
        ASSERT_NE(float_bits(as_float) & 0x00400000, 0u) << "not quiet";
        continue;
      }
      // Bits, not values, so that the sign of a zero counts.
      ASSERT_EQ(std::bit_cast<uint64_t>(as_double), std::bit_cast<uint64_t>(f.value(word)))
          << dtype_name(f.dtype) << " " << word;
      ASSERT_EQ(float_bits(as_float), float_bits(static_cast<float>(f.value(word))));
    }
  }
}

TEST(FloatConvert, EveryWordOfTheSmallFormatsComesBack) {
  for (const Format& f : kSmallFormats) {
    for (uint32_t word = 0; word < (1u << f.bits()); ++word) {
      const uint64_t back = double_to_word(f.dtype, word_to_double(f.dtype, word));
      if (f.is_nan(word)) {
        ASSERT_TRUE(f.is_nan(static_cast<uint32_t>(back)));
        ASSERT_EQ(back >> (f.bits() - 1), word >> (f.bits() - 1));
      } else {
        ASSERT_EQ(back, word) << dtype_name(f.dtype);
      }
    }
  }
}

TEST(FloatConvert, RoundsToNearestEvenBetweenNeighbours) {
  for (const Format& f : kSmallFormats) {
    for (uint32_t word = 0; f.is_finite(word + 1); ++word) {
      const double low = f.value(word), high = f.value(word + 1);
      const double middle = (low + high) / 2;  // exact
      const uint32_t even = word % 2 == 0 ? word : word + 1;
      const uint32_t sign = 1u << (f.bits() - 1);
      ASSERT_EQ(double_to_word(f.dtype, middle), even) << dtype_name(f.dtype) << " " << word;
      ASSERT_EQ(double_to_word(f.dtype, -middle), even | sign);
      ASSERT_EQ(double_to_word(f.dtype, std::nextafter(middle, low)), word);
      ASSERT_EQ(double_to_word(f.dtype, std::nextafter(middle, high)), word + 1);
    }
  }
}

TEST(FloatConvert, OverflowIsInfinityOrTheNaNOfF8E4M3) {
  EXPECT_EQ(double_to_word(DType::kF16, 65519.99), 0x7BFFu);
  EXPECT_EQ(double_to_word(DType::kF16, 65520.0), 0x7C00u);
  EXPECT_EQ(double_to_word(DType::kF16, -1e300), 0xFC00u);
  EXPECT_EQ(double_to_word(DType::kBF16, 3.4e38), 0x7F80u);
  EXPECT_EQ(double_to_word(DType::kF8E4M3, 464.0), 0x7Eu);
  EXPECT_EQ(double_to_word(DType::kF8E4M3, 464.1), 0x7Fu);
  EXPECT_EQ(double_to_word(DType::kF8E4M3, -kInf), 0xFFu);
  EXPECT_EQ(double_to_word(DType::kF8E5M2, 61440.0), 0x7Cu);
  EXPECT_EQ(double_to_word(DType::kF32, 1e39), 0x7F800000u);
  EXPECT_EQ(double_to_word(DType::kF16, std::numeric_limits<double>::denorm_min()), 0u);
  EXPECT_EQ(double_to_word(DType::kF16, -5e-324), 0x8000u);
}

// The definition of a format without infinities and -0, evaluated with ldexp: its bias is greater
// by one, every exponent is that of numbers, and the word of the sign alone is the NaN.
struct FnuzFormat {
  DType dtype;
  int exponent_bits;
  int mantissa_bits;

  double value(uint32_t word) const {
    const int exponent = static_cast<int>(word & 0x7F) >> mantissa_bits;
    const int mantissa = static_cast<int>(word & ((1u << mantissa_bits) - 1));
    const int bias = 1 << (exponent_bits - 1);
    const double v = std::ldexp(exponent == 0 ? mantissa : mantissa + (1 << mantissa_bits),
                                std::max(exponent, 1) - bias - mantissa_bits);
    return word >= 0x80 ? -v : v;
  }
};
constexpr FnuzFormat kFnuzFormats[] = {{DType::kF8E4M3FNUZ, 4, 3}, {DType::kF8E5M2FNUZ, 5, 2}};

TEST(FloatConvert, EveryWordOfTheFnuzFormatsHasItsDefinedValueAndComesBack) {
  for (const FnuzFormat& f : kFnuzFormats) {
    for (uint32_t word = 0; word < 256; ++word) {
      const float as_float = word_to_float(f.dtype, word);
      const double as_double = word_to_double(f.dtype, word);
      ASSERT_EQ(double_to_word(f.dtype, as_double), word) << dtype_name(f.dtype);
      if (word == 0x80) {
        EXPECT_EQ(float_bits(as_float), 0x7FC00000u);
        EXPECT_TRUE(std::isnan(as_double));
        continue;
      }
      ASSERT_EQ(std::bit_cast<uint64_t>(as_double), std::bit_cast<uint64_t>(f.value(word)))
          << dtype_name(f.dtype) << " " << word;
      ASSERT_EQ(float_bits(as_float), float_bits(static_cast<float>(f.value(word))));
    }
  }
  EXPECT_EQ(word_to_float(DType::kF8E4M3FNUZ, 0x7F), 240.0F);
  EXPECT_EQ(word_to_float(DType::kF8E4M3FNUZ, 0x81), -0x1p-10F);
  EXPECT_EQ(word_to_float(DType::kF8E5M2FNUZ, 0x7F), 57344.0F);
  EXPECT_EQ(word_to_float(DType::kF8E5M2FNUZ, 0x01), 0x1p-17F);
}

TEST(FloatConvert, FnuzFormatsRoundToNearestEvenAndNeverToNegativeZero) {
  for (const FnuzFormat& f : kFnuzFormats) {
    for (uint32_t word = 0; word < 0x7F; ++word) {
      const double low = f.value(word), high = f.value(word + 1);
      const double middle = (low + high) / 2;  // exact
      const uint32_t even = word % 2 == 0 ? word : word + 1;
      ASSERT_EQ(double_to_word(f.dtype, middle), even) << dtype_name(f.dtype) << " " << word;
      ASSERT_EQ(double_to_word(f.dtype, -middle), even == 0 ? 0 : even | 0x80);
      ASSERT_EQ(double_to_word(f.dtype, std::nextafter(middle, low)), word);
      ASSERT_EQ(double_to_word(f.dtype, std::nextafter(middle, high)), word + 1);
    }
    // As if there were a number after the greatest: half way to it is NaN.
    const double greatest = f.value(0x7F);
    const double half = (greatest - f.value(0x7E)) / 2;
    for (const double sign : {1.0, -1.0}) {
      const uint64_t finite = sign < 0 ? 0xFF : 0x7F;
      EXPECT_EQ(double_to_word(f.dtype, sign * std::nextafter(greatest + half, 0.0)), finite);
      EXPECT_EQ(double_to_word(f.dtype, sign * (greatest + half)), 0x80u);
      EXPECT_EQ(double_to_word(f.dtype, sign * double{kInf}), 0x80u);
      EXPECT_EQ(double_to_word(f.dtype, std::copysign(std::nan(""), sign)), 0x80u);
      EXPECT_EQ(double_to_word(f.dtype, sign * 0.0), 0u);
      EXPECT_EQ(double_to_word(f.dtype, sign * 1e-300), 0u);
    }
  }
}

TEST(FloatConvert, F32AndF64AgreeWithTheCompiler) {
  uint64_t state = 1;
  for (int i = 0; i < 200000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    // Exponents around f32's range, its subnormals and its overflow included.
    const uint64_t exponent = 1023 - 160 + (state >> 32) % 320;
    const double v = std::bit_cast<double>((state & 0x800FFFFFFFFFFFFFu) | exponent << 52);
    const auto narrow = static_cast<float>(v);
    ASSERT_EQ(double_to_word(DType::kF32, v), float_bits(narrow)) << v;
    ASSERT_EQ(float_bits(word_to_float(DType::kF64, std::bit_cast<uint64_t>(v))),
              float_bits(narrow));
    ASSERT_EQ(word_to_double(DType::kF32, float_bits(narrow)), double{narrow});
    ASSERT_EQ(double_to_word(DType::kF64, v), std::bit_cast<uint64_t>(v));
  }
}

TEST(FloatConvert, NaNsKeepSignAndTopOfPayload) {
  EXPECT_EQ(float_bits(word_to_float(DType::kF16, 0xFC01)), 0xFFC02000u);
  EXPECT_EQ(float_bits(word_to_float(DType::kBF16, 0x7F81)), 0x7FC10000u);
  EXPECT_EQ(float_bits(word_to_float(DType::kF8E5M2, 0x7D)), 0x7FE00000u);
  EXPECT_EQ(float_bits(word_to_float(DType::kF8E4M3, 0xFF)), 0xFFC00000u);
  EXPECT_EQ(float_bits(word_to_float(DType::kF32, 0x7F800001)), 0x7FC00001u);
  EXPECT_EQ(float_bits(word_to_float(DType::kF64, 0xFFF0000020000000u)), 0xFFC00001u);
}

TEST(FloatConvert, IntegersRoundOnce) {
  EXPECT_EQ(word_to_float(DType::kI8, 0xFF), -1.0f);
  EXPECT_EQ(word_to_float(DType::kU8, 0xFF), 255.0f);
  EXPECT_EQ(word_to_float(DType::kBool, 7), 7.0f);
  EXPECT_EQ(word_to_float(DType::kI16, 0x8000), -32768.0f);
  EXPECT_EQ(word_to_float(DType::kU16, 0x8000), 32768.0f);
  EXPECT_EQ(word_to_float(DType::kI32, 0x80000000), -2147483648.0f);
  EXPECT_EQ(word_to_float(DType::kU32, 16777217), 16777216.0f);
  EXPECT_EQ(word_to_float(DType::kI32, 16777219), 16777220.0f);
  // Through double the first rounding would make a tie of it.
  const uint64_t just_above_tie = (uint64_t{1} << 60) + (uint64_t{1} << 36) + 1;
  EXPECT_EQ(word_to_float(DType::kI64, just_above_tie), 0x1.000002p60f);
  EXPECT_EQ(word_to_float(DType::kU64, just_above_tie), 0x1.000002p60f);
  EXPECT_EQ(word_to_double(DType::kI64, ~uint64_t{0}), -1.0);
  EXPECT_EQ(word_to_double(DType::kU64, ~uint64_t{0}), 0x1p64);
}

TEST(FloatConvert, BulkEqualsSingleAtAnyAlignment) {
  for (uint8_t id = 1; id <= 15; ++id) {
    const auto dtype = static_cast<DType>(id);
    const size_t width = dtype_bits(dtype) / 8;
    constexpr size_t kCount = 1000;
    std::vector<uint8_t> bytes(1 + kCount * width);
    uint32_t state = id;
    for (uint8_t& b : bytes) b = static_cast<uint8_t>((state = state * 1664525 + 1013904223) >> 24);
    const Bytes words = Bytes(bytes).subspan(1);
    std::vector<float> floats(kCount);
    std::vector<double> doubles(kCount);
    words_to_floats(dtype, words, floats);
    words_to_doubles(dtype, words, doubles);
    for (size_t i = 0; i < kCount; ++i) {
      const uint64_t word = load_word(words.data() + i * width, width);
      ASSERT_EQ(float_bits(floats[i]), float_bits(word_to_float(dtype, word)));
      ASSERT_EQ(std::bit_cast<uint64_t>(doubles[i]),
                std::bit_cast<uint64_t>(word_to_double(dtype, word)));
    }
  }
}

// Every word, at every place of a vector and in what is left of one.
TEST(FloatConvert, KernelsGiveTheSameFloats) {
  constexpr size_t kWords = size_t{1} << 16;
  std::vector<uint8_t> words(1 + 2 * kWords);  // unaligned
  for (size_t i = 0; i < kWords; ++i) {
    store_le(words.data() + 1 + 2 * i, static_cast<uint16_t>(i));
  }
  for (const FloatKernels* const kernels : available_float_kernels()) {
    for (const bool half : {true, false}) {
      const auto convert = half ? kernels->f16 : kernels->bf16;
      const DType dtype = half ? DType::kF16 : DType::kBF16;
      for (size_t first = 0; first < 9; ++first) {
        std::vector<float> floats(kWords - first);
        convert(words.data() + 1 + 2 * first, floats.size(), floats.data());
        for (size_t i = 0; i < floats.size(); ++i) {
          ASSERT_EQ(float_bits(floats[i]), float_bits(word_to_float(dtype, first + i)))
              << cpu_set_name(kernels->set) << " " << first + i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace dcf::impl
