// SPDX-License-Identifier: Apache-2.0
// Sparse matrix times a tile of columns, for batches and convolutions: the vector goes along the
// batch. A panel of rows is cut into cells of kBlock columns, so that the part of the tile
// that a cell reads stays in the first-level cache; in a cell each row sums in registers, rows of
// like length follow each other, and an entry is a column and a code of a byte each.
#pragma once

#include <vector>

#include "kernels/entries.h"

namespace dcf::impl {

struct Blocked {
  static constexpr uint64_t kBlock = 128;
  static constexpr uint64_t kPanel = 512;
  // Of an entry.
  static constexpr unsigned kColumnShift = 8;
  static constexpr uint64_t kColumnMask = 0xff;
  static constexpr uint64_t kCodeMask = 0xff;

  struct Row {
    uint16_t row;    // within the panel
    uint16_t count;  // of entries
  };

  // Where the rows and the entries of a cell end.
  struct Cell {
    uint64_t row;  // of row_list
    uint64_t entry;
  };

  std::vector<Cell> cells;  // by block
  BigVector<Row> row_list;
  // Column within the block << kColumnShift | code; without a codebook the code is 0.
  BigVector<uint16_t> entries;
  std::vector<float> codebook;  // 256 weights
  BigVector<float> weights;     // without a codebook, one per entry

  uint64_t bytes() const;
};

// Rows [first, last) of the matrix, at most kPanel.
Blocked make_blocked(const LayerEntries& entries, uint64_t first, uint64_t last);

}  // namespace dcf::impl
