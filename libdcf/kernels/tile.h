// SPDX-License-Identifier: Apache-2.0
// Products with a tile: x is [cols][width] and y [rows][width], width being up to kMostVectors
// vectors of floats. One set of loops per instruction set; sums run in rising order of columns in
// all of them, with fused multiply-add where there is one.
#pragma once

#include <cstdint>
#include <span>

#include "base/checked.h"
#include "kernels/blocked.h"

namespace dcf::impl {

struct TileLoops {
  static constexpr uint64_t kMostVectors = 8;

  const char* name;
  uint64_t lanes;         // floats of a vector
  uint64_t most_vectors;  // of a tile
  // [vectors - 1]: y += b x.
  void (*sparse[kMostVectors])(const Blocked& b, const float* x, float* y);
  // The same for `rows` rows of a dense matrix of `cols` columns: y += w x.
  void (*dense[kMostVectors])(const float* w, uint64_t rows, uint64_t cols, const float* x,
                              float* y);
  // The sum of w[i] * x[i].
  float (*dot)(const float* w, const float* x, uint64_t n);

  // Width of the next tile of those that `columns` columns, at least one, are cut into: as few
  // tiles as can be, of about one width, since narrow ones cost more per column.
  uint64_t width_for(uint64_t columns) const {
    const uint64_t vectors = ceil_div(columns, lanes);
    return lanes * ceil_div(vectors, ceil_div(vectors, most_vectors));
  }
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
