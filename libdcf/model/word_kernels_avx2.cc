// SPDX-License-Identifier: Apache-2.0
// Each function has its own target attribute (codec/huffman_tree_avx2.cc says why).
#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>

#include "model/word_kernels.h"

#define DCF_AVX2 __attribute__((target("avx2")))

namespace dcf::impl::model {
namespace {

constexpr size_t kLanes = 8;
constexpr size_t kInRegisters = 4 * kLanes;

// Words [first, first + kLanes) of a table; zero after its end.
DCF_AVX2 inline __m256 load_words(const WordTable& table, size_t first) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const auto left = static_cast<int>(table.size - std::min(table.size, first));
  const __m256i there = _mm256_cmpgt_epi32(_mm256_set1_epi32(left), lanes);
  const auto* const words = reinterpret_cast<const float*>(table.words + (left > 0 ? first : 0));
  return _mm256_maskload_ps(words, there);
}

// By the sign of the lanes of `which`.
DCF_AVX2 inline __m256 choose(__m256 low, __m256 high, __m256i which) {
  return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(which));
}

DCF_AVX2 void map(const uint8_t* codes, size_t n, const WordTable& table, uint8_t* dst) {
  size_t i = 0;
  if (table.size <= kInRegisters) {
    __m256 words[4];
    for (size_t k = 0; k < 4; ++k) words[k] = load_words(table, k * kLanes);
    const __m256i base = _mm256_set1_epi32(static_cast<int>(table.base));
    for (; i + kLanes <= n; i += kLanes) {
      const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes + i));
      const __m256i at = _mm256_sub_epi32(_mm256_cvtepu8_epi32(eight), base);
      __m256 found[4];
      for (size_t k = 0; k < 4; ++k) found[k] = _mm256_permutevar8x32_ps(words[k], at);
      const __m256i bit_3 = _mm256_slli_epi32(at, 28);
      const __m256 low = choose(found[0], found[1], bit_3);
      const __m256 high = choose(found[2], found[3], bit_3);
      _mm256_storeu_ps(reinterpret_cast<float*>(dst + i * sizeof(uint32_t)),
                       choose(low, high, _mm256_slli_epi32(at, 27)));
    }
  }
  kScalarWordKernels.map(codes + i, n - i, table, dst + i * sizeof(uint32_t));
}

DCF_AVX2 void add(const uint32_t* src, size_t n, uint32_t addend, uint8_t* dst) {
  const __m256i addends = _mm256_set1_epi32(static_cast<int>(addend));
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(src + i));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst + i * sizeof(uint32_t)),
                        _mm256_add_epi32(x, addends));
  }
  kScalarWordKernels.add(src + i, n - i, addend, dst + i * sizeof(uint32_t));
}

}  // namespace

const WordKernels kAvx2WordKernels = {CpuSet::kAvx2, map, add};

}  // namespace dcf::impl::model

#endif  // defined(__x86_64__)
