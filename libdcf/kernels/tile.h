// SPDX-License-Identifier: Apache-2.0
// Products with a tile: x is [cols][width] and y is [rows][width], where width is 1 to kMostVectors
// vectors of floats. Sparse products take one cell per call, so that the tile can be filled between
// calls. There is one set of loops per instruction set. A row is summed in rising order of columns,
// with fused multiply-add if the set has it; a sparse row has a sum per cell, which is then added.
#pragma once

#include <cstdint>
#include <vector>

#include "base/checked.h"
#include "base/cpu.h"
#include "kernels/blocked.h"

namespace dcf::impl::kernels {

// Memory to prefetch while the current cell is computed: `runs` runs of `run` floats each.
struct LinesAhead {
  static constexpr uint64_t kFloats = 64 / sizeof(float);  // floats of a cache line

  const float* at = nullptr;  // the first run
  uint64_t run = 0;           // floats
  uint64_t stride = 0;        // floats from the start of one run to that of the next
  uint64_t runs = 0;
};

struct TileLoops {
  static constexpr uint64_t kMostVectors = 8;

  CpuSet set;
  uint64_t lanes;         // floats of a vector
  uint64_t most_vectors;  // vectors of the widest tile
  // sparse[vectors - 1]: y += cell * x, where x is the part of the tile at the cell's columns. With
  // each row of the cell one line of `ahead` is prefetched.
  void (*sparse[kMostVectors])(const Blocked& b, uint64_t cell, const float* x, float* y,
                               const LinesAhead& ahead);
  // dense[vectors - 1]: y += w x for `rows` rows of a dense matrix of `cols` columns.
  void (*dense[kMostVectors])(const float* w, uint64_t rows, uint64_t cols, const float* x,
                              float* y);
  // y = w x for one sample and `rows` rows of a dense matrix of `cols` columns.
  void (*dense_one)(const float* w, uint64_t rows, uint64_t cols, const float* x, float* y);

  // The width of the next tile where `columns` > 0 columns are left. Tiles are as few as possible
  // and about equally wide, because narrow ones cost more per column.
  uint64_t width_for(uint64_t columns) const {
    const uint64_t vectors = ceil_div(columns, lanes);
    return lanes * ceil_div(vectors, ceil_div(vectors, most_vectors));
  }
};

// The loops that this processor can run: scalar first, the best last.
std::vector<const TileLoops*> available_tile_loops();
// The best loops that DCF_KERNEL allows (base/cpu.h). Thread-safe.
const TileLoops& active_tile_loops();

extern const TileLoops kScalarTileLoops;
#if defined(__x86_64__)
extern const TileLoops kAvx2TileLoops;
extern const TileLoops kAvx512bwTileLoops;
#endif

}  // namespace dcf::impl::kernels
