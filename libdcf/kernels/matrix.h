// SPDX-License-Identifier: Apache-2.0
// A matrix that multiplies tiles: sparse and in cells, or dense if most of its weights are not
// zero.
#pragma once

#include <algorithm>

#include "base/big_vector.h"
#include "kernels/blocked.h"
#include "kernels/tile.h"

namespace dcf::impl::kernels {

// Samples, one after the other, that become the columns of a tile.
struct Samples {
  const float* x = nullptr;
  uint64_t count = 0;
  uint64_t stride = 0;  // floats from one sample to the next

  // Writes columns [first, last) of the samples as rows of a tile, `width` floats each.
  void fill(uint64_t first, uint64_t last, uint64_t width, float* tile) const;
};

class TileMatrix {
 public:
  // Packs rows [first, last). Throws std::bad_alloc.
  TileMatrix(const EntrySource& source, uint64_t first, uint64_t last, bool dense);

  // Whether all entries could be loaded.
  bool is_whole() const { return whole_; }

  bool is_dense() const { return !dense_.empty(); }
  uint64_t rows() const { return rows_; }
  uint64_t cols() const { return cols_; }
  uint64_t bytes() const;
  const BigVector<float>& dense() const { return dense_; }  // [rows, cols], or empty if sparse

  // Panels have Blocked::kPanel rows; the last may have fewer.
  uint64_t panels() const { return (rows_ + Blocked::kPanel - 1) / Blocked::kPanel; }
  uint64_t panel_rows(uint64_t panel) const {
    return std::min(Blocked::kPanel, rows_ - panel * Blocked::kPanel);
  }
  // y[panel_rows(panel)][width] = the panel times tile[cols][width], for a width of `loops`.
  //  - finite: no NaN or Inf is in the tile. If false, zero weights of a dense matrix are skipped,
  //    so that 0 * Inf cannot make a NaN.
  //  - samples: the tile is filled from them, block by block, while the next blocks are prefetched.
  //    Columns of the tile after the last sample stay as they are. Null: the tile is full already.
  void multiply(const TileLoops& loops, uint64_t width, uint64_t panel, bool finite, float* tile,
                float* y, const Samples* samples = nullptr) const;

 private:
  uint64_t cells() const { return ceil_div(cols_, Blocked::kBlock); }
  uint64_t column_of(uint64_t cell) const { return std::min(cell * Blocked::kBlock, cols_); }

  uint64_t rows_;
  uint64_t cols_;
  bool whole_;
  std::vector<Blocked> sparse_;  // by panel
  BigVector<float> dense_;
};

bool all_finite(const float* x, uint64_t n);

}  // namespace dcf::impl::kernels
