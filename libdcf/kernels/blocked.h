// SPDX-License-Identifier: Apache-2.0
// A sparse matrix that multiplies a tile of columns, for batches and convolutions. Vectors run
// along the batch. A panel of up to kPanel rows is cut into cells of kBlock columns, so that the
// part of the tile that a cell reads stays in the first-level cache:
//
//                kBlock columns
//               +--------+--------+--------+---
//     kPanel    | cell 0 | cell 1 | cell 2 | ...      each cell: rows by falling number of
//     rows      |        |        |        |          entries, each row's entries in a list
//               +--------+--------+--------+---
//
// Within a cell each row is summed in registers. An entry is two bytes: a column and a code.
#pragma once

#include <vector>

#include "kernels/entries.h"

namespace dcf::impl::kernels {

struct Blocked {
  static constexpr uint64_t kBlock = 128;
  static constexpr uint64_t kPanel = 512;
  // The parts of an entry.
  static constexpr unsigned kColumnShift = 8;
  static constexpr uint64_t kColumnMask = 0xff;
  static constexpr uint64_t kCodeMask = 0xff;

  struct Row {
    uint16_t row;    // within the panel
    uint16_t count;  // number of entries
  };

  // Where the rows and the entries of a cell end.
  struct Cell {
    uint64_t row;    // index into row_list
    uint64_t entry;  // index into entries
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

}  // namespace dcf::impl::kernels
