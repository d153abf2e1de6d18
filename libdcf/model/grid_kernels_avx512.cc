// SPDX-License-Identifier: Apache-2.0
// Each function has its own target attribute (codec/huffman_tree_avx2.cc says why).
#if defined(__x86_64__)
#include <immintrin.h>

#include "model/grid_kernels.h"

#define DCF_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))

namespace dcf::impl::model {
namespace {

constexpr size_t kLanes = 16;
constexpr size_t kGroup = 4 * kLanes;  // elements whose parities a word holds

// The lanes of the first n numbers, up to 16.
DCF_AVX512 __mmask16 first(size_t n) {
  return static_cast<__mmask16>(n >= kLanes ? 0xFFFF : (1u << n) - 1);
}

DCF_AVX512 __m512i load(const uint32_t* numbers, size_t n) {
  return _mm512_maskz_loadu_epi32(first(n), numbers);
}

// One row. The offset of an element is the exclusive or of the parities of k of the elements one,
// three, five and so on before it: those of 64 elements are found at once.
DCF_AVX512 void integers_of_row(uint32_t* numbers, size_t n) {
  constexpr uint64_t kEvery2nd = 0x5555555555555555u;
  const __m512i one = _mm512_set1_epi32(1);
  uint64_t before = 0;  // the sums at the two elements before, at all even and all odd places
  for (size_t i = 0; i < n; i += kGroup) {
    uint64_t sums = 0;
    for (size_t k = 0; k < 4 && i + k * kLanes < n; ++k) {
      const __m512i number = load(numbers + i + k * kLanes, n - i - k * kLanes);
      const __m512i parity = _mm512_xor_si512(_mm512_srli_epi32(number, 1), number);
      sums |= uint64_t{_mm512_test_epi32_mask(parity, one)} << kLanes * k;
    }
    sums ^= sums << 2;
    sums ^= sums << 4;
    sums ^= sums << 8;
    sums ^= sums << 16;
    sums ^= sums << 32;
    sums ^= before;
    const uint64_t offsets = sums << 1 | (before >> 63);
    before = (sums >> 62 & 1) * kEvery2nd | (sums >> 63) * (kEvery2nd << 1);
    for (size_t k = 0; k < 4 && i + k * kLanes < n; ++k) {
      uint32_t* const at = numbers + i + k * kLanes;
      const size_t left = n - i - k * kLanes;
      const __m512i number = load(at, left);
      const __m512i sign_bit = _mm512_and_si512(number, one);
      const __m512i sign = _mm512_sub_epi32(_mm512_setzero_si512(), sign_bit);
      const __m512i half = _mm512_xor_si512(_mm512_srli_epi32(number, 1), sign);
      const __m512i even = _mm512_add_epi32(half, half);
      const auto odd = static_cast<__mmask16>(offsets >> kLanes * k);
      const __m512i integer = _mm512_mask_add_epi32(even, odd, even, one);
      const __m512i magnitude = _mm512_sub_epi32(_mm512_xor_si512(integer, sign), sign);
      const __m512i result = _mm512_or_si512(_mm512_slli_epi32(magnitude, 1), sign_bit);
      _mm512_mask_storeu_epi32(at, first(left), result);
    }
  }
}

void integers(uint32_t cols, std::span<uint32_t> numbers) {
  for (size_t i = 0; i < numbers.size(); i += cols) {
    integers_of_row(numbers.data() + i, std::min<size_t>(cols, numbers.size() - i));
  }
}

}  // namespace

const GridKernels kAvx512bwGridKernels = {CpuSet::kAvx512bw, integers, kAvx2GridKernels.words};

}  // namespace dcf::impl::model
#endif
