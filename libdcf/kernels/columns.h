// SPDX-License-Identifier: Apache-2.0
// Columns for single samples with many zeros, on any machine: a column whose input is zero is
// skipped. The entries of a column are stored in groups of four rows that share a code; a group
// costs one multiplication, w * x[c], which is added to y[r] for each of its rows r
// (code_groups.h turned by 90 degrees). A group that is not full is filled with rows after the last
// of y, which are never read. If groups would be mostly empty, or without a codebook, each weight
// is stored with its row.
//
// An input is skipped if it equals zero; NaN does not. A part is a block of rows, whose sums stay
// in the cache, times a range of columns. Ranges are summed separately and then added from left to
// right. LayerKernel's bound holds: in a sum of k terms in any order, of which only zeros are left
// out, each term is rounded at most k - 1 times, and the product once more.
#pragma once

#include <memory>

#include "kernels/entries.h"
#include "kernels/layer_kernel.h"

namespace dcf::impl::kernels {

// Some of the rows and columns, packed.
struct Columns {
  static constexpr size_t kGroup = 4;
  static constexpr size_t kCodes = 64;         // beyond that, groups are too short
  static constexpr uint64_t kMostRows = 8192;  // 32 KiB of sums
  static constexpr uint64_t kSpill = 16;       // rows after the last, for groups that are not full

  uint64_t first_row = 0;
  uint64_t rows = 0;
  uint64_t first_col = 0;
  uint64_t cols = 0;
  std::vector<uint32_t> column_end;  // number of groups, or of entries, so far
  BigVector<uint16_t> row_of;        // kGroup per group, or one per entry; relative to first_row
  BigVector<uint8_t> codes;          // groups: one each
  BigVector<float> weights;          // entries: one each

  uint64_t begin(uint64_t column) const { return column == 0 ? 0 : column_end[column - 1]; }
  uint64_t bytes() const;
};

// Whether the sizes and the codebook of a matrix allow for columns. They do not if columns have
// less than one weight each on average, or if a weight of the codebook is infinite or NaN.
bool columns_possible(const LayerEntries& shape);

// Null if columns have less than one weight each on average, or if a weight is infinite or NaN: its
// product with a zero input is NaN and must not be skipped.
std::unique_ptr<LayerKernel> make_columns(const LayerEntries& entries, const Parallel& parallel);

}  // namespace dcf::impl::kernels
