// SPDX-License-Identifier: Apache-2.0
// Split values for AVX-512 with VBMI2, which moves any byte of a register to any other. Each
// function has its own target attribute (codec/huffman_tree_avx2.cc says why).
#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <array>

#include "codec/bit_reader.h"
#include "model/split_kernels.h"

#define DCF_AVX512 \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,popcnt")))

namespace dcf::impl::model {
namespace {

// A field and the bits before it in its first byte have to fit a lane of 32 bits.
constexpr unsigned kMostBits = 25;

// How the fields of a register come to its lanes: which bytes, and by how many bits these are
// shifted down. `ahead`: the bytes are those from so many after the first one on.
template <typename Lane>
struct Unpack {
  Unpack(unsigned bits, unsigned ahead) {
    for (unsigned j = 0; j < shifts.size(); ++j) {
      const unsigned bit = j * bits;
      for (unsigned k = 0; k < sizeof(Lane); ++k) {
        bytes[j * sizeof(Lane) + k] = static_cast<uint8_t>(std::min(bit / 8 + ahead + k, 63u));
      }
      shifts[j] = static_cast<Lane>(bit % 8);
    }
  }
  alignas(64) std::array<uint8_t, 64> bytes;
  alignas(64) std::array<Lane, 64 / sizeof(Lane)> shifts;
};

DCF_AVX512 inline __mmask64 first_bytes(size_t n) {
  return _cvtu64_mask64(n >= 64 ? ~uint64_t{0} : codec::low_mask(static_cast<unsigned>(n)));
}
DCF_AVX512 inline __m512i load(const void* p) {
  return _mm512_load_si512(p);
}

DCF_AVX512 size_t join_16(Bytes codes, Bytes tail, const SplitFields& f, uint8_t* words) {
  constexpr size_t kLanes = 32;
  const Unpack<uint16_t> low(f.bits, 0);
  const Unpack<uint16_t> high(f.bits, 2);  // with the bits of a field that `low` has no room for
  const __m512i low_bytes = load(low.bytes.data());
  const __m512i high_bytes = load(high.bytes.data());
  const __m512i shifts = load(low.shifts.data());
  const __m512i mask = _mm512_set1_epi16(static_cast<short>((1u << f.bits) - 1));
  const __m512i base = _mm512_set1_epi16(static_cast<short>(f.base));
  const __m128i code_shift = _mm_cvtsi32_si128(static_cast<int>(15 - f.t));
  const __m128i zero_bits = _mm_cvtsi32_si128(static_cast<int>(f.z));
  const size_t step = kLanes / 8 * f.bits;  // bytes
  const size_t n = codes.size();
  size_t nonzeros = 0;
  size_t at = 0;
  for (size_t i = 0; i < n; i += kLanes, at += step) {
    const size_t count = std::min(kLanes, n - i);
    const auto there = static_cast<__mmask32>(codec::low_mask(static_cast<unsigned>(count)));
    const __m512i bytes = _mm512_maskz_loadu_epi8(first_bytes(tail.size() - at), tail.data() + at);
    const __m512i moved = _mm512_shrdv_epi16(_mm512_permutexvar_epi8(low_bytes, bytes),
                                             _mm512_permutexvar_epi8(high_bytes, bytes), shifts);
    const __m512i field = _mm512_and_si512(moved, mask);
    const __m512i code = _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(there, codes.data() + i));
    const __m512i prefix = _mm512_sll_epi16(_mm512_add_epi16(code, base), code_shift);
    const __m512i rest = _mm512_sll_epi16(_mm512_srli_epi16(field, 1), zero_bits);
    const __m512i magnitude = _mm512_or_si512(prefix, rest);
    const __mmask32 nonzero = _mm512_mask_test_epi16_mask(there, magnitude, magnitude);
    nonzeros += static_cast<size_t>(_mm_popcnt_u32(nonzero));
    _mm512_mask_storeu_epi16(words + i * sizeof(uint16_t), there,
                             _mm512_or_si512(magnitude, _mm512_slli_epi16(field, 15)));
  }
  return nonzeros;
}

DCF_AVX512 size_t join_32(Bytes codes, Bytes tail, const SplitFields& f, uint8_t* words) {
  if (f.bits > kMostBits) return kScalarSplitKernels.join_32(codes, tail, f, words);
  constexpr size_t kLanes = 16;
  const Unpack<uint32_t> unpack(f.bits, 0);
  const __m512i places = load(unpack.bytes.data());
  const __m512i shifts = load(unpack.shifts.data());
  const __m512i mask = _mm512_set1_epi32(static_cast<int>((1u << f.bits) - 1));
  const __m512i base = _mm512_set1_epi32(static_cast<int>(f.base));
  const __m128i code_shift = _mm_cvtsi32_si128(static_cast<int>(31 - f.t));
  const __m128i zero_bits = _mm_cvtsi32_si128(static_cast<int>(f.z));
  const size_t step = kLanes / 8 * f.bits;  // bytes
  const size_t n = codes.size();
  size_t nonzeros = 0;
  size_t at = 0;
  for (size_t i = 0; i < n; i += kLanes, at += step) {
    const size_t count = std::min(kLanes, n - i);
    const auto there = static_cast<__mmask16>(codec::low_mask(static_cast<unsigned>(count)));
    const __m512i bytes = _mm512_maskz_loadu_epi8(first_bytes(tail.size() - at), tail.data() + at);
    const __m512i moved = _mm512_srlv_epi32(_mm512_permutexvar_epi8(places, bytes), shifts);
    const __m512i field = _mm512_and_si512(moved, mask);
    const __m512i code = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(there, codes.data() + i));
    const __m512i prefix = _mm512_sll_epi32(_mm512_add_epi32(code, base), code_shift);
    const __m512i rest = _mm512_sll_epi32(_mm512_srli_epi32(field, 1), zero_bits);
    const __m512i magnitude = _mm512_or_si512(prefix, rest);
    const __mmask16 nonzero = _mm512_mask_test_epi32_mask(there, magnitude, magnitude);
    nonzeros += static_cast<size_t>(_mm_popcnt_u32(nonzero));
    _mm512_mask_storeu_epi32(words + i * sizeof(uint32_t), there,
                             _mm512_or_si512(magnitude, _mm512_slli_epi32(field, 31)));
  }
  return nonzeros;
}

size_t join_64(Bytes codes, Bytes tail, const SplitFields& f, uint8_t* words) {
  return kScalarSplitKernels.join_64(codes, tail, f, words);
}

}  // namespace

const SplitKernels kAvx512SplitKernels = {CpuSet::kAvx512vbmi2, join_16, join_32, join_64};

}  // namespace dcf::impl::model

#endif  // defined(__x86_64__)
