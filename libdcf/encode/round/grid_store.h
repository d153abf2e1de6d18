// SPDX-License-Identifier: Apache-2.0
// One multiple of a scale as a word of a tensor. Internal to the rounding of
// encode/round/grid_round.h.
#pragma once

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/bytes.h"
#include "base/dtype.h"
#include "base/float_word.h"
#include "encode/round/grid_round.h"

namespace dcf::impl::encode {

// The nearest whole number, halves away from 0. |steps| is at most 2^24 + 1.
inline int32_t nearest_multiple(float steps) {
  return static_cast<int32_t>(steps + std::copysign(0.5F, steps));
}

// The word of f16 or bf16 that is nearest to a product, and what it decodes to: infinite where the
// dtype ends before.
inline uint16_t short_word(DType dtype, float product) {
  return dtype == DType::kF16 ? F16Word::word(product) : BF16Word::word(product);
}
inline float short_value(DType dtype, uint16_t word) {
  constexpr uint16_t kHalfInfinity = 0x7C00;
  if (dtype == DType::kBF16) return BF16Word::value(word);
  if ((word & 0x7FFF) >= kHalfInfinity) return std::numeric_limits<float>::infinity();
  return F16Word::value(word);
}

// What the word of multiple * scale decodes to.
inline float grid_value(DType dtype, int32_t multiple, float scale) {
  const float product = static_cast<float>(multiple) * scale;
  return dtype == DType::kF32 ? product : short_value(dtype, short_word(dtype, product));
}

// Sets the element of a rounded tensor, whose scale is `scale`; returns the error against `value`,
// which is infinite where the element cannot be set.
inline double store_multiple(DType dtype, uint64_t index, float value, int32_t multiple,
                             float scale, RoundedTensor* rounded) {
  uint32_t& number = rounded->numbers[static_cast<size_t>(index)];
  number = static_cast<uint32_t>(std::abs(multiple)) << 1 | static_cast<uint32_t>(multiple < 0);
  const size_t width = dtype_bits(dtype) / 8;
  uint8_t* const to = rounded->words.data() + static_cast<size_t>(index) * width;
  const float product = static_cast<float>(multiple) * scale;
  if (dtype == DType::kF32) {
    store_le(to, std::bit_cast<uint32_t>(product));
    return std::abs(double{value} - double{product});
  }
  uint16_t word = short_word(dtype, product);
  const float decoded = short_value(dtype, word);
  if (!std::isfinite(decoded)) return std::numeric_limits<double>::infinity();
  if ((word & magnitude_mask(dtype)) == 0) word = 0, number = 0;  // never -0
  store_le(to, word);
  return std::abs(double{value} - double{decoded});
}

}  // namespace dcf::impl::encode
