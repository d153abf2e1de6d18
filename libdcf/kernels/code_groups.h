// SPDX-License-Identifier: Apache-2.0
// Sparse rows for single samples, on any machine. The columns of a row that share a code are stored
// in groups of four, and each group costs one multiplication: w * (x0 + x1 + x2 + x3). This is a
// variant of CER and CSER with groups of fixed length (Wiedemann, Mueller, Samek, "Compact and
// Computationally Efficient Representation of Deep Neural Networks", IEEE TNNLS 2020). A group that
// is not full is filled with the index of a zero after x. Long rows are cut into blocks of columns,
// whose part of x stays in the cache.
//
// LayerKernel's bound holds: in a sum of k terms in any order each term is rounded at most k - 1
// times (adding zero does not round), and the product once more. But inputs are added before they
// are multiplied: inputs above a quarter of FLT_MAX may give an infinity.
#pragma once

#include <memory>

#include "kernels/entries.h"
#include "kernels/layer_kernel.h"

namespace dcf::impl::kernels {

// Some of the rows, packed by one thread.
struct CodeGroups {
  static constexpr size_t kGroup = 4;
  static constexpr size_t kCodes = 64;           // beyond that, groups are too short
  static constexpr uint64_t kMostBlock = 12288;  // columns: 48 KiB of x

  static constexpr uint64_t kPartRows = 512;

  // Elements of the list in which packing collects the columns of one code. Not a multiple of a
  // page: lists at that distance would evict each other's lines from the cache.
  static constexpr uint64_t kListSize = kMostBlock + 96;
  // Bytes that each packing thread allocates for each code of the codebook.
  static constexpr uint64_t kSortBytes = kListSize * sizeof(uint16_t);

  // The rows that one task multiplies.
  struct Part {
    uint64_t first_row;
    uint64_t rows;
    std::vector<uint32_t> group_end;  // [blocks][rows]: number of groups so far, over all parts
  };
  std::vector<Part> parts;
  BigVector<uint16_t> columns;  // kGroup for each group, relative to the block's first column
  BigVector<uint8_t> codes;     // one for each group
};

// Whether the sizes and the codebook of a matrix allow for groups.
bool code_groups_possible(const LayerEntries& shape);

// Null without a codebook of at most kCodes, or if fewer than half of the places in the groups
// would be filled.
std::unique_ptr<LayerKernel> make_code_groups(const EntrySource& source);

}  // namespace dcf::impl::kernels
