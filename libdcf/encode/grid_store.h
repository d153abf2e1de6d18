// SPDX-License-Identifier: Apache-2.0
// One multiple of a scale as a word of a tensor. Internal to the rounding of encode/grid_round.h.
#pragma once

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/float_word.h"
#include "encode/grid_round.h"
#include "encode/words.h"

namespace dcf::impl {

// The nearest whole number, halves away from 0. |steps| is at most 2^24 + 1.
inline int32_t nearest_multiple(float steps) {
  return static_cast<int32_t>(steps + std::copysign(0.5F, steps));
}

// What the word of multiple * scale decodes to; infinite where the dtype ends before.
inline float grid_value(DType dtype, int32_t multiple, float scale) {
  constexpr uint16_t kHalfInfinity = 0x7C00;
  const float product = static_cast<float>(multiple) * scale;
  if (dtype == DType::kF32) return product;
  if (dtype == DType::kBF16) return BF16Word::value(BF16Word::word(product));
  const uint16_t word = F16Word::word(product);
  if ((word & 0x7FFF) >= kHalfInfinity) return std::numeric_limits<float>::infinity();
  return F16Word::value(word);
}

// Sets the element of a rounded tensor, whose scale is `scale`; returns the error against `value`,
// which is infinite where the element cannot be set.
inline double store_multiple(DType dtype, uint64_t index, float value, int32_t multiple,
                             float scale, RoundedTensor* rounded) {
  uint32_t& number = rounded->numbers[static_cast<size_t>(index)];
  number = static_cast<uint32_t>(std::abs(multiple)) << 1 | static_cast<uint32_t>(multiple < 0);
  const size_t width = dtype_bits(dtype) / 8;
  uint8_t* const to = rounded->words.data() + static_cast<size_t>(index) * width;
  const float decoded = grid_value(dtype, multiple, scale);
  if (dtype == DType::kF32) {
    store_le(to, std::bit_cast<uint32_t>(decoded));
    return std::abs(double{value} - double{decoded});
  }
  if (!std::isfinite(decoded)) return std::numeric_limits<double>::infinity();
  uint16_t word = dtype == DType::kF16 ? F16Word::word(decoded) : BF16Word::word(decoded);
  if ((word & magnitude_mask(dtype)) == 0) word = 0, number = 0;  // never -0
  store_le(to, word);
  return std::abs(double{value} - double{decoded});
}

}  // namespace dcf::impl
