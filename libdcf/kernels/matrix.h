// SPDX-License-Identifier: Apache-2.0
// A matrix that multiplies tiles: sparse in cells, or dense where most of its weights are there.
#pragma once

#include <algorithm>

#include "kernels/blocked.h"
#include "kernels/tile.h"

namespace dcf::impl {

// Samples, one after the other, that become the columns of a tile.
struct Samples {
  const float* x = nullptr;
  uint64_t count = 0;
  uint64_t stride = 0;  // floats from one to the next

  // Columns [first, last) of theirs, as rows of a tile of `width` floats each.
  void fill(uint64_t first, uint64_t last, uint64_t width, float* tile) const;
};

class TileMatrix {
 public:
  // Rows [first, last). Throws std::bad_alloc.
  TileMatrix(const EntrySource& source, uint64_t first, uint64_t last, bool dense);

  // Whether all entries could be loaded.
  bool is_whole() const { return whole_; }

  bool is_dense() const { return !dense_.empty(); }
  uint64_t rows() const { return rows_; }
  uint64_t cols() const { return cols_; }
  uint64_t bytes() const;
  const std::vector<float>& dense() const { return dense_; }  // [rows, cols], where it is dense

  // Panels of Blocked::kPanel rows, the last may be shorter.
  uint64_t panels() const { return (rows_ + Blocked::kPanel - 1) / Blocked::kPanel; }
  uint64_t panel_rows(uint64_t panel) const {
    return std::min(Blocked::kPanel, rows_ - panel * Blocked::kPanel);
  }
  // y[panel_rows(panel)][width] = the panel times tile[cols][width], for a width of `loops`.
  // `finite`: so is all of the tile. If not, zeros of a dense matrix must be kept from it.
  // `samples`: what the tile is still to be made of, block by block, while those that follow come
  // from memory; its columns behind them are left as they are. Null: the tile is there.
  void multiply(const TileLoops& loops, uint64_t width, uint64_t panel, bool finite, float* tile,
                float* y, const Samples* samples = nullptr) const;

 private:
  uint64_t cells() const { return ceil_div(cols_, Blocked::kBlock); }
  uint64_t column_of(uint64_t cell) const { return std::min(cell * Blocked::kBlock, cols_); }

  uint64_t rows_;
  uint64_t cols_;
  bool whole_;
  std::vector<Blocked> sparse_;  // by panel
  std::vector<float> dense_;
};

bool all_finite(const float* x, uint64_t n);

}  // namespace dcf::impl
