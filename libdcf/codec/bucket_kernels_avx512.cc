// SPDX-License-Identifier: Apache-2.0
// Bucket codes with AVX-512 and VBMI: sixteen numbers at a time, whose bits one load holds. Each
// function has its own target attribute (huffman_tree_avx2.cc says why).
#include "codec/bucket_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define DCF_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi")))

namespace dcf::impl::codec {
namespace {

constexpr size_t kGroup = 16;
static_assert(7 + kGroup * kMostExtra <= 8 * sizeof(__m512i));

DCF_AVX512 size_t numbers(BucketCode code, Bytes symbols, Bytes bits, uint64_t* position,
                          uint32_t* out) {
  const __m512i first_large = _mm512_set1_epi32(1 << code.t);
  const __m512i least = _mm512_set1_epi32(static_cast<int>(code.t - code.s));
  const __m512i lead_mask = _mm512_set1_epi32((1 << code.s) - 1);
  const __m512i leading_one = _mm512_set1_epi32(1 << code.s);
  const __m128i shift = _mm_cvtsi32_si128(static_cast<int>(code.s));
  const __m512i one = _mm512_set1_epi32(1);
  const __m512i seven = _mm512_set1_epi32(7);
  const __m512i none = _mm512_setzero_si512();
  // The lowest byte of each lane goes to all four, for the four bytes from there on.
  const __m512i to_all =
      _mm512_broadcast_i32x4(_mm_set_epi32(0x0C0C0C0C, 0x08080808, 0x04040404, 0));
  const __m512i steps = _mm512_set1_epi32(0x03020100);
  uint64_t at = *position;
  size_t i = 0;
  for (; symbols.size() - i >= kGroup && at / 8 + sizeof(__m512i) <= bits.size(); i += kGroup) {
    const __m512i symbol =
        _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(symbols.data() + i)));
    const __mmask16 large = _mm512_cmp_epu32_mask(symbol, first_large, _MM_CMPINT_NLT);
    if (large == 0) {
      _mm512_storeu_si512(out + i, symbol);
      continue;
    }
    const __m512i above = _mm512_sub_epi32(symbol, first_large);
    const __m512i extra = _mm512_maskz_add_epi32(large, _mm512_srl_epi32(above, shift), least);
    const __m512i lead = _mm512_add_epi32(leading_one, _mm512_and_si512(above, lead_mask));
    const __m512i base = _mm512_mask_sllv_epi32(symbol, large, lead, extra);
    // The bits of all numbers up to this one.
    __m512i sum = _mm512_add_epi32(extra, _mm512_alignr_epi32(extra, none, 15));
    sum = _mm512_add_epi32(sum, _mm512_alignr_epi32(sum, none, 14));
    sum = _mm512_add_epi32(sum, _mm512_alignr_epi32(sum, none, 12));
    sum = _mm512_add_epi32(sum, _mm512_alignr_epi32(sum, none, 8));
    const auto all = static_cast<uint32_t>(_mm_extract_epi32(_mm512_extracti32x4_epi32(sum, 3), 3));
    const __m512i window = _mm512_loadu_si512(bits.data() + at / 8);
    const __m512i begin =
        _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(at % 8)), _mm512_sub_epi32(sum, extra));
    const __m512i byte = _mm512_shuffle_epi8(_mm512_srli_epi32(begin, 3), to_all);
    const __m512i four = _mm512_permutexvar_epi8(_mm512_add_epi8(byte, steps), window);
    const __m512i field = _mm512_srlv_epi32(four, _mm512_and_si512(begin, seven));
    const __m512i mask = _mm512_sub_epi32(_mm512_sllv_epi32(one, extra), one);
    _mm512_storeu_si512(out + i, _mm512_add_epi32(base, _mm512_and_si512(field, mask)));
    at += all;
  }
  *position = at;
  return i;
}

}  // namespace

const BucketKernels kAvx512vbmi2BucketKernels = {CpuSet::kAvx512vbmi2,
                                                 kAvx2BucketKernels.extra_bits, numbers};

}  // namespace dcf::impl::codec
#endif
