// SPDX-License-Identifier: Apache-2.0
// Grid values (spec, section 8.4) as a writer needs them: the scale of each unit of a tensor, and
// the integers of its words. The decoder has code of its own. (encode/content/grid.h is another
// grid: that of the chunks.)
#pragma once

#include <span>
#include <vector>

#include "base/bytes.h"
#include "encode/content/class_map.h"

namespace dcf::impl::encode {

struct GridScales {
  ClassAxis axis;             // one scale for the whole tensor: 1 unit of any run
  std::vector<float> scales;  // of each unit: finite, not negative, not -0
};

inline bool has_grid(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16;
}

// The greatest |k| that is written: all of them are floats.
inline constexpr int32_t kMaxGridInteger = 1 << 24;
// No number of such an integer.
inline constexpr uint32_t kOffGrid = UINT32_MAX;

// The integers of the words of elements [first, first + n), as the bucket code stores them.
// `words`: n of them, little-endian; `numbers`: out, n. kOffGrid for a word that is no f32(k) *
// scale, rounded to the dtype; false if there is one. dtypes: has_grid(). Pure.
bool grid_numbers(DType dtype, const GridScales& grid, uint64_t first, Bytes words,
                  uint32_t* numbers);

// Appends the scales as the tables section stores them.
void append_scales(std::span<const float> scales, std::vector<uint8_t>* out);

}  // namespace dcf::impl::encode
