// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/tile.h"

#define DCF_TILE_SET kAvx2TileLoops
#define DCF_TILE_CPU_SET CpuSet::kAvx2
#define DCF_TILE_TARGET __attribute__((target("avx2,fma")))
#define DCF_TILE_VECTOR __m256
#define DCF_TILE_FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define DCF_TILE_SPLAT(p) _mm256_set1_ps(*(p))
#define DCF_TILE_VECTORS 8
#define DCF_TILE_ROWS 6
#define DCF_TILE_STEP 2
#include "kernels/tile_loops.h"
#endif
