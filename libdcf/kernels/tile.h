// SPDX-License-Identifier: Apache-2.0
// Products with a tile: x is [cols][width] and y [rows][width], width being 1, 2 or 4 vectors of
// floats. One set of loops per instruction set; sums run in rising order of columns in all of them,
// with fused multiply-add where there is one.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/blocked.h"

namespace dcf::impl {

struct TileLoops {
  const char* name;
  uint64_t lanes;  // floats of a vector
  // [log2 of vectors]: y += b x.
  void (*sparse[3])(const Blocked& b, const float* x, float* y);
  // The same for `rows` rows of a dense matrix of `cols` columns: y = w x.
  void (*dense[3])(const float* w, uint64_t rows, uint64_t cols, const float* x, float* y);
  // The sum of w[i] * x[i].
  float (*dot)(const float* w, const float* x, uint64_t n);

  static constexpr uint64_t kMostVectors = 4;
  // Index of the narrowest tile that takes `columns` columns, or else the widest.
  size_t width_for(uint64_t columns) const {
    return columns <= lanes ? 0 : columns <= 2 * lanes ? 1 : 2;
  }
  uint64_t width(size_t index) const { return lanes << index; }
};

// Those that this machine can run, the slowest first.
std::span<const TileLoops* const> available_tile_loops();
// The fastest, or the one that the environment variable DCF_KERNEL names, if it can run here.
const TileLoops& active_tile_loops();

extern const TileLoops kScalarTileLoops;
#if defined(__x86_64__)
extern const TileLoops kAvx2TileLoops;    // and FMA
extern const TileLoops kAvx512TileLoops;  // F
#endif

}  // namespace dcf::impl
