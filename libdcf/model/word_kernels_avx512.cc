// SPDX-License-Identifier: Apache-2.0
// Each function has its own target attribute (codec/huffman_tree_avx2.cc says why).
#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>

#include "model/word_kernels.h"

#define DCF_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))

namespace dcf::impl::model {
namespace {

constexpr size_t kLanes = 16;
constexpr size_t kInRegisters = 4 * kLanes;

// The mask of the first `elements` lanes of a vector, or of all lanes if there are more elements.
DCF_AVX512 inline __mmask16 first_lanes(size_t elements) {
  return static_cast<__mmask16>((1u << std::min(elements, kLanes)) - 1);
}

// Words [first, first + kLanes) of a table; zero after its end.
DCF_AVX512 inline __m512i load_words(const WordTable& table, size_t first) {
  const size_t left = table.size - std::min(table.size, first);
  return _mm512_maskz_loadu_epi32(first_lanes(left), table.words + (left > 0 ? first : 0));
}

// kPairs: pairs of vectors of words, one or two.
template <int kPairs>
DCF_AVX512 void map_in_registers(const uint8_t* codes, size_t n, const WordTable& table,
                                 uint8_t* dst) {
  const __m512i low_0 = load_words(table, 0);
  const __m512i low_1 = load_words(table, kLanes);
  const __m512i high_0 = load_words(table, 2 * kLanes);
  const __m512i high_1 = load_words(table, 3 * kLanes);
  const __m512i base = _mm512_set1_epi32(static_cast<int>(table.base));
  for (size_t i = 0; i < n; i += kLanes) {
    const __mmask16 there = first_lanes(n - i);
    const __m512i at =
        _mm512_sub_epi32(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(there, codes + i)), base);
    __m512i found = _mm512_permutex2var_epi32(low_0, at, low_1);
    if constexpr (kPairs == 2) {
      const __mmask16 high = _mm512_test_epi32_mask(at, _mm512_set1_epi32(2 * kLanes));
      found = _mm512_mask_blend_epi32(high, found, _mm512_permutex2var_epi32(high_0, at, high_1));
    }
    _mm512_mask_storeu_epi32(dst + i * sizeof(uint32_t), there, found);
  }
}

DCF_AVX512 void map(const uint8_t* codes, size_t n, const WordTable& table, uint8_t* dst) {
  if (table.size <= kInRegisters / 2) return map_in_registers<1>(codes, n, table, dst);
  if (table.size <= kInRegisters) return map_in_registers<2>(codes, n, table, dst);
  kScalarWordKernels.map(codes, n, table, dst);
}

DCF_AVX512 void add(const uint32_t* src, size_t n, uint32_t addend, uint8_t* dst) {
  const __m512i addends = _mm512_set1_epi32(static_cast<int>(addend));
  for (size_t i = 0; i < n; i += kLanes) {
    const __mmask16 there = first_lanes(n - i);
    const __m512i x = _mm512_maskz_loadu_epi32(there, src + i);
    _mm512_mask_storeu_epi32(dst + i * sizeof(uint32_t), there, _mm512_add_epi32(x, addends));
  }
}

}  // namespace

const WordKernels kAvx512bwWordKernels = {CpuSet::kAvx512bw, map, add};

}  // namespace dcf::impl::model

#endif  // defined(__x86_64__)
