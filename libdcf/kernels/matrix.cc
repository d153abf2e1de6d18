// SPDX-License-Identifier: Apache-2.0
#include "kernels/matrix.h"

#include <algorithm>
#include <bit>

#include "kernels/transpose.h"

namespace dcf::impl::kernels {
namespace {

// y += w x. Weights of zero are skipped.
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

TileMatrix::TileMatrix(const EntrySource& source, uint64_t first, uint64_t last, bool dense)
    : rows_(last - first), cols_(source.shape().cols) {
  if (dense) {
    dense_.resize(rows_ * cols_, 0.0f);
  } else {
    sparse_.resize(panels());
  }
  whole_ = source.each(first, last, {Blocked::kPanel, Blocked::kPanel},
                       [&](const LayerEntries& entries, uint64_t at, uint64_t row, uint64_t count) {
                         if (!dense) {
                           sparse_[(row - first) / Blocked::kPanel] =
                               make_blocked(entries, at, at + count);
                           return;
                         }
                         float* out = dense_.data() + (row - first) * cols_;
                         for (uint64_t end = at + count; at < end; ++at, out += cols_) {
                           for (uint64_t i = entries.row_start[at]; i < entries.row_end(at); ++i) {
                             out[entries.column(i)] = entries.weight(i);
                           }
                         }
                       });
}

uint64_t TileMatrix::bytes() const {
  uint64_t bytes = dense_.capacity() * sizeof(float) + sparse_.capacity() * sizeof(Blocked);
  for (const Blocked& panel : sparse_) bytes += panel.bytes();
  return bytes;
}

void TileMatrix::multiply(const TileLoops& loops, uint64_t width, uint64_t panel, bool finite,
                          float* tile, float* y, const Samples* samples) const {
  const uint64_t count = panel_rows(panel);
  const size_t index = width / loops.lanes - 1;
  std::fill_n(y, count * width, 0.0f);
  if (!is_dense()) {
    for (uint64_t cell = 0; cell < cells(); ++cell) {
      const uint64_t first = column_of(cell);
      const uint64_t next = column_of(cell + 1);
      const uint64_t columns = column_of(cell + 2) - next;
      LinesAhead ahead{tile + next * width, columns * width, 0, 1};
      if (samples != nullptr) {
        samples->fill(first, next, width, tile);
        ahead = {samples->x + next, columns, samples->stride, samples->count};
      }
      loops.sparse[index](sparse_[panel], cell, tile + first * width, y, ahead);
    }
    return;
  }
  if (samples != nullptr) samples->fill(0, cols_, width, tile);
  const float* const w = dense_.data() + panel * Blocked::kPanel * cols_;
  if (finite) {
    loops.dense[index](w, count, cols_, tile, y);
  } else {
    multiply_kept(w, count, cols_, tile, width, y);
  }
}

void Samples::fill(uint64_t first, uint64_t last, uint64_t width, float* tile) const {
  transpose(x + first, stride, count, last - first, tile + first * width, width);
}

// The exponent of an infinity or NaN is all ones. No branches, so that the compiler uses vectors.
bool all_finite(const float* x, uint64_t n) {
  constexpr uint32_t kExponent = 0x7f800000;
  uint32_t found = 0;
  for (uint64_t i = 0; i < n; ++i) {
    found |= (std::bit_cast<uint32_t>(x[i]) & kExponent) == kExponent ? 1u : 0u;
  }
  return found == 0;
}

}  // namespace dcf::impl::kernels
