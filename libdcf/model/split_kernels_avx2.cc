// SPDX-License-Identifier: Apache-2.0
// Each function has its own target attribute (codec/huffman_tree_avx2.cc says why).
#if defined(__x86_64__)
#include <immintrin.h>

#include <array>

#include "model/split_kernels.h"

#define DCF_AVX2 __attribute__((target("avx2")))

namespace dcf::impl::model {
namespace {

// Eight fields of b bits are b bytes, so each group of eight lies in the same way. A field and the
// bits before it in its first byte have to fit a lane.
constexpr size_t kGroup = 8;
constexpr unsigned kMostBits = 25;

// How eight fields come to eight lanes of 32 bits: bytes are moved, bits shifted. Each half of the
// register is loaded from where its four fields begin.
struct Unpack {
  explicit Unpack(unsigned bits) : second(bits / 2), mask((1u << bits) - 1) {
    for (unsigned j = 0; j < kGroup; ++j) {
      const unsigned bit = j * bits - (j < kGroup / 2 ? 0 : 8 * second);
      for (unsigned k = 0; k < 4; ++k) bytes[4 * j + k] = static_cast<uint8_t>(bit / 8 + k);
      shifts[j] = bit % 8;
    }
  }
  // Bytes that load() reads.
  size_t reach() const { return second + sizeof(__m128i); }

  alignas(32) uint8_t bytes[32];
  alignas(32) uint32_t shifts[8];
  unsigned second;  // where the second half begins
  uint32_t mask;
};

// Everything that stays the same from group to group.
struct Lanes {
  __m256i bytes, shifts, mask, base;
  __m128i code_shift, zeros, sign_shift;
};

DCF_AVX2 inline Lanes load_lanes(const Unpack& unpack, const SplitFields& f, unsigned top) {
  return {_mm256_load_si256(reinterpret_cast<const __m256i*>(unpack.bytes)),
          _mm256_load_si256(reinterpret_cast<const __m256i*>(unpack.shifts)),
          _mm256_set1_epi32(static_cast<int>(unpack.mask)),
          _mm256_set1_epi32(static_cast<int>(f.base)),
          _mm_cvtsi32_si128(static_cast<int>(top - f.t)),
          _mm_cvtsi32_si128(static_cast<int>(f.z)),
          _mm_cvtsi32_si128(static_cast<int>(top))};
}

struct Group {
  __m256i magnitudes, signs;  // of eight words, in lanes of 32 bits; together the words
};

// The next eight words.
DCF_AVX2 inline Group join_group(const Lanes& lanes, const uint8_t* codes, const uint8_t* tail,
                                 unsigned second) {
  const auto* const low = reinterpret_cast<const __m128i*>(tail);
  const auto* const high = reinterpret_cast<const __m128i*>(tail + second);
  const __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(low)),
                                               _mm_loadu_si128(high), 1);
  const __m256i moved = _mm256_shuffle_epi8(both, lanes.bytes);
  const __m256i field = _mm256_and_si256(_mm256_srlv_epi32(moved, lanes.shifts), lanes.mask);
  const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes));
  const __m256i prefix = _mm256_add_epi32(_mm256_cvtepu8_epi32(eight), lanes.base);
  const __m256i sign =
      _mm256_sll_epi32(_mm256_and_si256(field, _mm256_set1_epi32(1)), lanes.sign_shift);
  const __m256i rest = _mm256_sll_epi32(_mm256_srli_epi32(field, 1), lanes.zeros);
  return {_mm256_or_si256(_mm256_sll_epi32(prefix, lanes.code_shift), rest), sign};
}

// Counts lanes that are zero: `zeros` falls by one in each.
DCF_AVX2 inline __m256i less_zeros(__m256i zeros, __m256i magnitudes) {
  return _mm256_add_epi32(zeros, _mm256_cmpeq_epi32(magnitudes, _mm256_setzero_si256()));
}
DCF_AVX2 size_t nonzeros_of(size_t lanes, __m256i zeros) {
  alignas(32) std::array<uint32_t, kGroup> fallen;
  _mm256_store_si256(reinterpret_cast<__m256i*>(fallen.data()), zeros);
  uint32_t sum = 0;
  for (const uint32_t n : fallen) sum -= n;
  return lanes - sum;
}

DCF_AVX2 size_t join_16(Bytes codes, Bytes tail, const SplitFields& f, uint8_t* words) {
  const Unpack unpack(f.bits);
  const Lanes lanes = load_lanes(unpack, f, 15);
  const uint8_t* const from = codes.data();
  __m256i zeros = _mm256_setzero_si256();
  size_t i = 0;
  size_t at = 0;
  for (; i + 2 * kGroup <= codes.size() && at + f.bits + unpack.reach() <= tail.size();
       i += 2 * kGroup, at += 2 * f.bits) {
    const uint8_t* const group = tail.data() + at;
    const Group first = join_group(lanes, from + i, group, unpack.second);
    const Group second = join_group(lanes, from + i + kGroup, group + f.bits, unpack.second);
    zeros = less_zeros(less_zeros(zeros, first.magnitudes), second.magnitudes);
    const __m256i packed = _mm256_packus_epi32(_mm256_or_si256(first.magnitudes, first.signs),
                                               _mm256_or_si256(second.magnitudes, second.signs));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(words + i * sizeof(uint16_t)),
                        _mm256_permute4x64_epi64(packed, 0b11011000));
  }
  return nonzeros_of(i, zeros) + kScalarSplitKernels.join_16(codes.subspan(i), tail.subspan(at), f,
                                                             words + i * sizeof(uint16_t));
}

DCF_AVX2 size_t join_32(Bytes codes, Bytes tail, const SplitFields& f, uint8_t* words) {
  if (f.bits > kMostBits) return kScalarSplitKernels.join_32(codes, tail, f, words);
  const Unpack unpack(f.bits);
  const Lanes lanes = load_lanes(unpack, f, 31);
  const uint8_t* const from = codes.data();
  __m256i zeros = _mm256_setzero_si256();
  size_t i = 0;
  size_t at = 0;
  for (; i + kGroup <= codes.size() && at + unpack.reach() <= tail.size();
       i += kGroup, at += f.bits) {
    const Group group = join_group(lanes, from + i, tail.data() + at, unpack.second);
    zeros = less_zeros(zeros, group.magnitudes);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(words + i * sizeof(uint32_t)),
                        _mm256_or_si256(group.magnitudes, group.signs));
  }
  return nonzeros_of(i, zeros) + kScalarSplitKernels.join_32(codes.subspan(i), tail.subspan(at), f,
                                                             words + i * sizeof(uint32_t));
}

DCF_AVX2 size_t join_64(Bytes codes, Bytes tail, const SplitFields& f, uint8_t* words) {
  return kScalarSplitKernels.join_64(codes, tail, f, words);
}

}  // namespace

const SplitKernels kAvx2SplitKernels = {CpuSet::kAvx2, join_16, join_32, join_64};

}  // namespace dcf::impl::model

#endif  // defined(__x86_64__)
