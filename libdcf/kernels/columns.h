// SPDX-License-Identifier: Apache-2.0
// Columns for single samples with many zeros, on any machine: those that meet a zero are skipped.
// What a column has goes in groups of four rows that share a code, y[r] += w * x[c] for each, with
// one multiplication and one step through the codebook (code_groups.h turned by 90 degrees).
// Groups that are not full point at rows behind y that nobody reads. Where groups would be mostly
// empty, or without a codebook, each weight has its row and itself.
//
// An input is skipped if it equals zero: NaN does not. Parts are a block of rows, whose sums stay
// in the cache, by a range of columns; ranges are summed apart and added from left to right.
// LayerKernel's bound holds: a sum of k terms in any order, from which only terms of zero are left
// out, rounds each of them k - 1 times at most, and the product once.
#pragma once

#include <memory>

#include "kernels/entries.h"
#include "kernels/layer_kernel.h"

namespace dcf::impl {

// Packed from some of the rows and columns.
struct Columns {
  static constexpr size_t kGroup = 4;
  static constexpr size_t kCodes = 64;         // beyond that, groups are too short
  static constexpr uint64_t kMostRows = 8192;  // 32 KiB of sums
  static constexpr uint64_t kSpill = 16;       // rows behind the others

  uint64_t first_row = 0;
  uint64_t rows = 0;
  uint64_t first_col = 0;
  uint64_t cols = 0;
  std::vector<uint32_t> column_end;  // groups, or entries, so far
  BigVector<uint16_t> row_of;        // kGroup for each group, or one for each entry; from first_row
  BigVector<uint8_t> codes;          // one for each group
  BigVector<float> weights;          // or for each entry

  uint64_t begin(uint64_t column) const { return column == 0 ? 0 : column_end[column - 1]; }
  uint64_t bytes() const;
};

// Whether the sizes and the codebook of a matrix allow for columns: not where columns have less
// than one weight each, or a weight of the codebook is infinite or NaN.
bool columns_possible(const LayerEntries& shape);

// Null where columns have less than one weight each, and where a weight is infinite or NaN: zeros
// would have to meet it.
std::unique_ptr<LayerKernel> make_columns(const LayerEntries& entries, const Parallel& parallel);

}  // namespace dcf::impl
