// SPDX-License-Identifier: Apache-2.0
// In vectors of four, which every machine with a vector unit has and which compilers can do
// without.
#include "kernels/tile.h"

namespace {
typedef float FourFloats __attribute__((vector_size(16)));
}

#define DCF_TILE_SET kScalarTileLoops
#define DCF_TILE_CPU_SET CpuSet::kScalar
#define DCF_TILE_TARGET
#define DCF_TILE_VECTOR FourFloats
#define DCF_TILE_FMA(a, b, c) ((a) * (b) + (c))
#define DCF_TILE_SPLAT(p) (FourFloats{*(p), *(p), *(p), *(p)})
#define DCF_TILE_VECTORS 8
#define DCF_TILE_ROWS 4
#define DCF_TILE_STEP 2
#include "kernels/tile_loops.h"
