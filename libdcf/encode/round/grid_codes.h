// SPDX-License-Identifier: Apache-2.0
// Elements as the numbers and symbols of grid and trellis values (spec, section 8.4).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "encode/content/content.h"
#include "encode/content/grid_scales.h"

namespace dcf::impl::encode {

struct GridCodes {
  std::span<const uint32_t> numbers;
  Bytes symbols;  // of the numbers, in kIntBuckets
};

struct GridScratch {
  std::vector<uint32_t> numbers;
  std::vector<uint8_t> symbols;
};

// The codes of the elements from `first` on, whose words these are; nothing if one is off the grid.
// Those of a tensor that was rounded, as these values, are known; others are in the scratch, until
// the next call with it.
std::optional<GridCodes> grid_codes(const Content& content, format::Values values,
                                    const GridScales& grid, uint64_t first, Bytes words,
                                    GridScratch* scratch);

// The numbers of a grid become those of the values; sets as many symbols of these.
void code_grid_numbers(format::Values values, std::span<uint32_t> numbers, MutableBytes symbols);

}  // namespace dcf::impl::encode
