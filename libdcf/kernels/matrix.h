// SPDX-License-Identifier: Apache-2.0
// A matrix that multiplies tiles: sparse in cells, or dense where most of its weights are there.
#pragma once

#include "kernels/blocked.h"
#include "kernels/tile.h"

namespace dcf::impl {

class TileMatrix {
 public:
  // Rows [first, last) of the entries.
  TileMatrix(const LayerEntries& entries, uint64_t first, uint64_t last, bool dense);

  bool is_dense() const { return !dense_.empty(); }
  uint64_t rows() const { return sparse_.rows; }
  uint64_t cols() const { return sparse_.cols; }
  uint64_t bytes() const { return sparse_.bytes() + dense_.size() * sizeof(float); }
  const std::vector<float>& dense() const { return dense_; }  // [rows, cols], where it is dense

  // Panels of Blocked::kPanel rows, the last may be shorter.
  uint64_t panels() const { return sparse_.panels(); }
  uint64_t panel_rows(uint64_t panel) const { return sparse_.panel_rows(panel); }
  // y[panel_rows(panel)][width] = the panel times x[cols][width], for tile width number `width`.
  // `finite`: so is all of x. If not, zeros of a dense matrix must be kept from it.
  void multiply(const TileLoops& loops, size_t width, uint64_t panel, bool finite, const float* x,
                float* y) const;

 private:
  Blocked sparse_;  // its sizes alone where the matrix is dense
  std::vector<float> dense_;
};

bool all_finite(const float* x, uint64_t n);

}  // namespace dcf::impl
