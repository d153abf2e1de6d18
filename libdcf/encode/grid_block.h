// SPDX-License-Identifier: Apache-2.0
// Many multiples of one scale: the loops of encode/grid_round.h, without branches.
#pragma once

#include <cstdint>
#include <span>

#include "base/dtype.h"

namespace dcf::impl {

// What rounding did to some elements.
struct RoundingEffect {
  double greatest_error = 0;  // infinite if an element cannot be set
  uint64_t nonzeros = 0;
  uint64_t vanished = 0;  // nonzeros that become 0

  void add(const RoundingEffect& other);
};

// Sets the numbers (magnitude above sign) and the words of elements of f32, f16 or bf16 to the
// multiples of `scale` that are nearest to their values, which are finite; both are as
// store_multiple() of grid_store.h sets them, unless an element cannot be set.
RoundingEffect round_block(DType dtype, std::span<const float> values, float scale,
                           uint32_t* numbers, uint8_t* words);

// The same for multiples that are known, as many as values. Their magnitudes are at most
// kMaxGridInteger.
RoundingEffect set_block(DType dtype, std::span<const float> values, const int32_t* multiples,
                         float scale, uint32_t* numbers, uint8_t* words);

}  // namespace dcf::impl
