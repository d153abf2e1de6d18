// SPDX-License-Identifier: Apache-2.0
// Two rows in one register. Each function has its own target attribute (codec/huffman_tree_avx2.cc
// says why).
#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <array>

#include "encode/round/trellis_kernels.h"

#define DCF_AVX2 __attribute__((target("avx2")))

namespace dcf::impl::encode {
namespace {

constexpr size_t kRows = 2;

// The states that a state is reached from.
constexpr int kFromLower = 0 | 0 << 2 | 1 << 4 | 1 << 6;
constexpr int kFromUpper = 2 | 2 << 2 | 3 << 4 | 3 << 6;
constexpr int kPairsSwapped = 1 | 0 << 2 | 3 << 4 | 2 << 6;
constexpr int kHalvesSwapped = 2 | 3 << 2 | 0 << 4 | 1 << 6;

DCF_AVX2 inline __m256 both(const float* a, const float* b) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_broadcast_ss(a)), _mm_broadcast_ss(b), 1);
}

DCF_AVX2 void search(TrellisRow* rows, size_t n) {
  const __m256 cosets = _mm256_setr_ps(0, 2, 1, 3, 0, 2, 1, 3);
  const __m256 rounding = _mm256_set1_ps(kTrellisRounding);
  const __m256 beyond = _mm256_set1_ps(kTrellisFar);
  __m256 costs = _mm256_blend_ps(beyond, _mm256_setzero_ps(), 0x11);
  for (size_t begin = 0; begin < n; begin += kTrellisBlock) {
    __m256i ways = _mm256_setzero_si256();
    for (size_t i = begin; i < std::min(n, begin + kTrellisBlock); ++i) {
      const __m256 x = both(rows[0].steps + i, rows[1].steps + i);
      const __m256 above = _mm256_sub_ps(x, cosets);
      const __m256 quarter = _mm256_mul_ps(above, _mm256_set1_ps(0.25F));
      const __m256 nearest = _mm256_sub_ps(_mm256_add_ps(quarter, rounding), rounding);
      const __m256 error = _mm256_sub_ps(above, _mm256_mul_ps(nearest, _mm256_set1_ps(4)));
      const __m256 zero = _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_EQ_OQ);
      const __m256 weight = both(rows[0].weights + i, rows[1].weights + i);
      const __m256 square =
          _mm256_mul_ps(_mm256_mul_ps(error, error), _mm256_blendv_ps(weight, beyond, zero));
      const __m256 lower = _mm256_add_ps(_mm256_permute_ps(costs, kFromLower), square);
      const __m256 upper = _mm256_add_ps(_mm256_permute_ps(costs, kFromUpper),
                                         _mm256_permute_ps(square, kPairsSwapped));
      const __m256 from_upper = _mm256_cmp_ps(upper, lower, _CMP_LT_OQ);
      costs = _mm256_min_ps(upper, lower);
      const __m256 before = _mm256_castsi256_ps(ways);
      const __m256i chosen =
          _mm256_castps_si256(_mm256_blendv_ps(_mm256_permute_ps(before, kFromLower),
                                               _mm256_permute_ps(before, kFromUpper), from_upper));
      ways = _mm256_sub_epi32(_mm256_add_epi32(chosen, chosen), _mm256_castps_si256(from_upper));
    }
    const __m256 of_pairs = _mm256_min_ps(costs, _mm256_permute_ps(costs, kPairsSwapped));
    costs =
        _mm256_sub_ps(costs, _mm256_min_ps(of_pairs, _mm256_permute_ps(of_pairs, kHalvesSwapped)));
    const size_t block = begin / kTrellisBlock;
    rows[0].ways[block] = reinterpret_cast<TrellisWays>(_mm256_castsi256_si128(ways));
    rows[1].ways[block] = reinterpret_cast<TrellisWays>(_mm256_extracti128_si256(ways, 1));
  }
  std::array<float, kRows * kTrellisStates> last;
  _mm256_storeu_ps(last.data(), costs);
  for (size_t r = 0; r < kRows; ++r) {
    const float* const of_row = last.data() + r * kTrellisStates;
    rows[r].state = static_cast<size_t>(std::min_element(of_row, of_row + kTrellisStates) - of_row);
  }
}

}  // namespace

const TrellisKernels kAvx2TrellisKernels = {CpuSet::kAvx2, search};

}  // namespace dcf::impl::encode
#endif
