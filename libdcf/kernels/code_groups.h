// SPDX-License-Identifier: Apache-2.0
// Sparse rows for single samples, on any machine: the columns of a row that share a code go in
// groups of four, and each group costs one multiplication, w * (x0 + x1 + x2 + x3). A variant of
// CER and CSER with groups of fixed length (Wiedemann, Mueller, Samek, "Compact and Computationally
// Efficient Representation of Deep Neural Networks", IEEE TNNLS 2020). Groups that are not full
// point at a zero behind x. Long rows are cut into blocks of columns, whose x stays in the cache.
//
// LayerKernel's bound holds: a sum of k terms in any order, additions of nothing left out, rounds
// each of them k - 1 times at most, and the product once. But inputs are added before they are
// multiplied: those above a quarter of the greatest float may give an infinity.
#pragma once

#include <memory>

#include "kernels/entries.h"
#include "kernels/layer_kernel.h"

namespace dcf::impl {

// Packed from some of the rows by one thread.
struct CodeGroups {
  static constexpr size_t kGroup = 4;
  static constexpr size_t kCodes = 64;           // beyond that, groups are too short
  static constexpr uint64_t kMostBlock = 12288;  // columns: 48 KiB of x

  static constexpr uint64_t kPartRows = 512;

  // Elements of the list in which packing collects the columns of one code: not a multiple of a
  // page, at whose distance lines push each other out of the cache.
  static constexpr uint64_t kListSize = kMostBlock + 96;
  // Bytes that each packing thread takes for each code of the codebook.
  static constexpr uint64_t kSortBytes = kListSize * sizeof(uint16_t);

  // Rows that are multiplied at once.
  struct Part {
    uint64_t first_row;
    uint64_t rows;
    std::vector<uint32_t> group_end;  // [blocks][rows]: groups so far, of all parts
  };
  std::vector<Part> parts;
  BigVector<uint16_t> columns;  // kGroup for each group, counted from the block's first
  BigVector<uint8_t> codes;     // one for each group
};

// Whether the sizes and the codebook of a matrix allow for groups.
bool code_groups_possible(const LayerEntries& shape);

// Null without a codebook of at most kCodes, or where fewer than half of the columns in the groups
// would be there.
std::unique_ptr<LayerKernel> make_code_groups(const EntrySource& source);

}  // namespace dcf::impl
