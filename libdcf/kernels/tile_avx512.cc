// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/tile.h"

#define DCF_TILE_SET kAvx512bwTileLoops
#define DCF_TILE_CPU_SET CpuSet::kAvx512bw
#define DCF_TILE_TARGET __attribute__((target("avx512f")))
#define DCF_TILE_VECTOR __m512
#define DCF_TILE_FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define DCF_TILE_SPLAT(p) _mm512_set1_ps(*(p))
#define DCF_TILE_VECTORS 4
#define DCF_TILE_ROWS 6
#define DCF_TILE_STEP 4
#include "kernels/tile_loops.h"
#endif
