// SPDX-License-Identifier: Apache-2.0
// Bucket codes with AVX2: eight numbers at a time. Each function has its own target attribute
// (huffman_tree_avx2.cc says why).
#include "codec/bucket_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define DCF_AVX2 __attribute__((target("avx2")))

namespace dcf::impl::codec {
namespace {

constexpr size_t kGroup = 8;
// Of the bits of four numbers, from the byte in which they begin.
constexpr size_t kWindow = 16;
static_assert(7 + 4 * kMostExtra <= 8 * kWindow);

DCF_AVX2 uint64_t extra_bits(BucketCode code, Bytes symbols) {
  const __m256i first_large = _mm256_set1_epi8(static_cast<char>(1u << code.t));
  const __m256i least = _mm256_set1_epi8(static_cast<char>(code.t - code.s));
  const __m256i shifted_mask = _mm256_set1_epi8(static_cast<char>(0xFFu >> code.s));
  const __m128i shift = _mm_cvtsi32_si128(static_cast<int>(code.s));
  __m256i sums = _mm256_setzero_si256();
  size_t i = 0;
  for (; symbols.size() - i >= sizeof(__m256i); i += sizeof(__m256i)) {
    const __m256i symbol = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(symbols.data() + i));
    const __m256i large = _mm256_cmpeq_epi8(_mm256_max_epu8(symbol, first_large), symbol);
    const __m256i above = _mm256_sub_epi8(symbol, first_large);
    const __m256i shifted = _mm256_and_si256(_mm256_srl_epi16(above, shift), shifted_mask);
    const __m256i extra = _mm256_and_si256(large, _mm256_add_epi8(shifted, least));
    sums = _mm256_add_epi64(sums, _mm256_sad_epu8(extra, _mm256_setzero_si256()));
  }
  const __m128i halves =
      _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  return static_cast<uint64_t>(_mm_cvtsi128_si64(halves) + _mm_extract_epi64(halves, 1)) +
         kScalarBucketKernels.extra_bits(code, symbols.subspan(i));
}

DCF_AVX2 size_t numbers(BucketCode code, Bytes symbols, Bytes bits, uint64_t* position,
                        uint32_t* out) {
  const __m256i first_large = _mm256_set1_epi32(1 << code.t);
  const __m256i last_small = _mm256_set1_epi32((1 << code.t) - 1);
  const __m256i least = _mm256_set1_epi32(static_cast<int>(code.t - code.s));
  const __m256i lead_mask = _mm256_set1_epi32((1 << code.s) - 1);
  const __m256i leading_one = _mm256_set1_epi32(1 << code.s);
  const __m128i shift = _mm_cvtsi32_si128(static_cast<int>(code.s));
  const __m256i one = _mm256_set1_epi32(1);
  const __m256i seven = _mm256_set1_epi32(7);
  // The lowest byte of each lane goes to all four, for the four bytes from there on.
  const __m256i to_all = _mm256_set_epi32(0x0C0C0C0C, 0x08080808, 0x04040404, 0, 0x0C0C0C0C,
                                          0x08080808, 0x04040404, 0);
  const __m256i steps = _mm256_set1_epi32(0x03020100);
  const uint64_t any_large = 0x0101010101010101u * (0xFFu << code.t & 0xFFu);
  uint64_t at = *position;
  size_t i = 0;
  // The second window begins within the first one.
  for (; symbols.size() - i >= kGroup && at / 8 + 2 * kWindow <= bits.size(); i += kGroup) {
    const auto eight = load_le<uint64_t>(symbols.data() + i);
    const __m256i symbol = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<int64_t>(eight)));
    if ((eight & any_large) == 0) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), symbol);
      continue;
    }
    const __m256i large = _mm256_cmpgt_epi32(symbol, last_small);
    const __m256i above = _mm256_sub_epi32(symbol, first_large);
    const __m256i extra =
        _mm256_and_si256(large, _mm256_add_epi32(_mm256_srl_epi32(above, shift), least));
    const __m256i lead = _mm256_add_epi32(leading_one, _mm256_and_si256(above, lead_mask));
    const __m256i base = _mm256_blendv_epi8(symbol, _mm256_sllv_epi32(lead, extra), large);
    // In each half: the bits of all numbers up to this one.
    __m256i sum = _mm256_add_epi32(extra, _mm256_slli_si256(extra, 4));
    sum = _mm256_add_epi32(sum, _mm256_slli_si256(sum, 8));
    const auto low_bits = static_cast<uint32_t>(_mm256_extract_epi32(sum, 3));
    const auto high_bits = static_cast<uint32_t>(_mm256_extract_epi32(sum, 7));
    const uint64_t middle = at + low_bits;
    const auto* const low = reinterpret_cast<const __m128i*>(bits.data() + at / 8);
    const auto* const high = reinterpret_cast<const __m128i*>(bits.data() + middle / 8);
    const __m256i windows = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(low)),
                                                    _mm_loadu_si128(high), 1);
    const __m256i starts = _mm256_inserti128_si256(_mm256_set1_epi32(static_cast<int>(at % 8)),
                                                   _mm_set1_epi32(static_cast<int>(middle % 8)), 1);
    const __m256i begin = _mm256_add_epi32(starts, _mm256_sub_epi32(sum, extra));
    const __m256i byte = _mm256_shuffle_epi8(_mm256_srli_epi32(begin, 3), to_all);
    const __m256i four = _mm256_shuffle_epi8(windows, _mm256_add_epi8(byte, steps));
    const __m256i field = _mm256_srlv_epi32(four, _mm256_and_si256(begin, seven));
    const __m256i mask = _mm256_sub_epi32(_mm256_sllv_epi32(one, extra), one);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                        _mm256_add_epi32(base, _mm256_and_si256(field, mask)));
    at = middle + high_bits;
  }
  *position = at;
  return i;
}

}  // namespace

const BucketKernels kAvx2BucketKernels = {CpuSet::kAvx2, extra_bits, numbers};

}  // namespace dcf::impl::codec
#endif
