// SPDX-License-Identifier: Apache-2.0
#include "kernels/matrix.h"

#include <algorithm>
#include <bit>

namespace dcf::impl {
namespace {

// y += w x, without the weights of zero.
void multiply_kept(const float* w, uint64_t rows, uint64_t cols, const float* x, uint64_t width,
                   float* y) {
  for (uint64_t r = 0; r < rows; ++r, y += width) {
    for (uint64_t c = 0; c < cols; ++c, ++w) {
      if (*w == 0) continue;
      for (uint64_t t = 0; t < width; ++t) y[t] += *w * x[c * width + t];
    }
  }
}

}  // namespace

TileMatrix::TileMatrix(const LayerEntries& entries, uint64_t first, uint64_t last, bool dense) {
  if (!dense) {
    sparse_ = make_blocked(entries, first, last);
    return;
  }
  sparse_.rows = last - first;
  sparse_.cols = entries.cols;
  dense_.resize(sparse_.rows * sparse_.cols);
  for (uint64_t row = first; row < last; ++row) {
    float* const out = dense_.data() + (row - first) * sparse_.cols;
    for (uint64_t i = entries.row_start[row]; i + 1 < entries.row_start[row + 1]; ++i) {
      out[entries.column(i)] = entries.weight(i);
    }
  }
}

void TileMatrix::multiply(const TileLoops& loops, size_t width, uint64_t panel, bool finite,
                          const float* x, float* y) const {
  const uint64_t count = panel_rows(panel);
  const uint64_t wide = loops.width(width);
  const float* const w = dense_.data() + panel * Blocked::kPanel * cols();
  if (is_dense() && finite) {
    loops.dense[width](w, count, cols(), x, y);
    return;
  }
  std::fill_n(y, count * wide, 0.0f);
  if (is_dense()) {
    multiply_kept(w, count, cols(), x, wide, y);
  } else {
    loops.sparse[width](sparse_, panel, x, y);
  }
}

// The exponent of an infinity or NaN is all ones. Without branches, for vectors.
bool all_finite(const float* x, uint64_t n) {
  constexpr uint32_t kExponent = 0x7f800000;
  uint32_t found = 0;
  for (uint64_t i = 0; i < n; ++i) {
    found |= (std::bit_cast<uint32_t>(x[i]) & kExponent) == kExponent ? 1u : 0u;
  }
  return found == 0;
}

}  // namespace dcf::impl
