// SPDX-License-Identifier: Apache-2.0
// Words of f32, f16 and bf16 from floats, and back, for loops over a tensor: without a branch, so
// that the compiler makes them vector loops. Rounding is to nearest even (IEEE 754-2019). The
// thread must run in the default floating-point environment. (base/float_convert.h has all dtypes.)
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace dcf::impl {

// word(x): the word nearest to x, which is no NaN; infinity beyond the greatest value.
// value(w): the value of a word that is finite.
struct F32Word {
  using Word = uint32_t;
  static constexpr Word word(float x) { return std::bit_cast<uint32_t>(x); }
  static constexpr float value(Word w) { return std::bit_cast<float>(w); }
};

struct BF16Word {
  using Word = uint16_t;
  static constexpr Word word(float x) {
    const auto bits = std::bit_cast<uint32_t>(x);
    return static_cast<Word>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
  }
  static constexpr float value(Word w) { return std::bit_cast<float>(uint32_t{w} << 16); }
};

struct F16Word {
  using Word = uint16_t;
  static constexpr Word word(float x) {
    const auto bits = std::bit_cast<uint32_t>(x);
    const uint32_t magnitude = bits & 0x7FFFFFFF;
    // From 2^-14 on: the exponent moves from bias 127 to 15, and 13 bits of the mantissa are
    // rounded away. Beyond the greatest value stands infinity.
    const uint32_t rounded = (magnitude + 0xFFF + (magnitude >> 13 & 1)) >> 13;
    const auto normal =
        static_cast<uint32_t>(std::min(static_cast<int32_t>(rounded) - (112 << 10), 0x7C00));
    // Below: the sum with 0.5 has its lowest bit where those values have theirs, at 2^-24.
    const uint32_t small = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) -
                           std::bit_cast<uint32_t>(0.5F);
    // Chosen by a mask: a compiler makes a branch of two values that are computed.
    const uint32_t is_small = 0U - static_cast<uint32_t>(magnitude < 0x38800000);
    const uint32_t half = (small & is_small) | (normal & ~is_small);
    return static_cast<Word>((bits >> 16 & 0x8000) | half);
  }
  // The exponent moves from bias 15 to 127 by a product, which is exact for subnormals too.
  static constexpr float value(Word w) {
    const float magnitude = std::bit_cast<float>((w & uint32_t{0x7FFF}) << 13) * 0x1p112F;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | (w & uint32_t{0x8000}) << 16);
  }
};

}  // namespace dcf::impl
