// SPDX-License-Identifier: Apache-2.0
// Products with a tile: x is [cols][width] and y [rows][width], width being up to kMostVectors
// vectors of floats. Sparse ones go a cell at a time, so that a tile can be made on the way. One
// set of loops per instruction set; a row's sum runs in rising order of columns, in sparse ones
// with a sum for each cell that is then added, with fused multiply-add where there is one.
#pragma once

#include <cstdint>
#include <vector>

#include "base/checked.h"
#include "base/cpu.h"
#include "kernels/blocked.h"

namespace dcf::impl {

// Lines of memory that come nearer while something else is used: `runs` of them, of `run` floats.
struct LinesAhead {
  static constexpr uint64_t kFloats = 64 / sizeof(float);  // of a line

  const float* at = nullptr;
  uint64_t run = 0;
  uint64_t stride = 0;  // between runs, in floats
  uint64_t runs = 0;
};

struct TileLoops {
  static constexpr uint64_t kMostVectors = 8;

  CpuSet set;
  uint64_t lanes;         // floats of a vector
  uint64_t most_vectors;  // of a tile
  // [vectors - 1]: y += cell x, x being the rows of the tile that are the cell's columns. A line of
  // those ahead is asked for with each row of the cell.
  void (*sparse[kMostVectors])(const Blocked& b, uint64_t cell, const float* x, float* y,
                               const LinesAhead& ahead);
  // The same for `rows` rows of a dense matrix of `cols` columns: y += w x.
  void (*dense[kMostVectors])(const float* w, uint64_t rows, uint64_t cols, const float* x,
                              float* y);
  // y = w x for one sample and `rows` rows of a dense matrix of `cols` columns.
  void (*dense_one)(const float* w, uint64_t rows, uint64_t cols, const float* x, float* y);

  // Width of the next tile of those that `columns` columns, at least one, are cut into: as few
  // tiles as can be, of about one width, since narrow ones cost more per column.
  uint64_t width_for(uint64_t columns) const {
    const uint64_t vectors = ceil_div(columns, lanes);
    return lanes * ceil_div(vectors, ceil_div(vectors, most_vectors));
  }
};

// Those that this processor can run, scalar first, the best one last.
std::vector<const TileLoops*> available_tile_loops();
// The best one that is allowed here (base/cpu.h). Thread-safe.
const TileLoops& active_tile_loops();

extern const TileLoops kScalarTileLoops;
#if defined(__x86_64__)
extern const TileLoops kAvx2TileLoops;
extern const TileLoops kAvx512bwTileLoops;
#endif

}  // namespace dcf::impl
