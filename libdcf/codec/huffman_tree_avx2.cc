// SPDX-License-Identifier: Apache-2.0
// The tree kernels for AVX2. Each function has its own target attribute, so that no other code of
// this file, in particular no inline function of a header, is compiled for AVX2: the linker might
// keep that copy for machines without it.
#include "codec/tree_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>

#include "codec/bit_reader.h"
#include "codec/shuffle_tables.h"

#define DCF_SHUFFLE_TARGET __attribute__((target("avx2,popcnt")))

namespace dcf::impl::codec {
namespace {

DCF_SHUFFLE_TARGET __m128i load_16(const void* p) {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}

DCF_SHUFFLE_TARGET __m256i load_2x16(const void* low, const void* high) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(load_16(low)), load_16(high), 1);
}

using V = __m256i;

DCF_SHUFFLE_TARGET inline V load(const void* p) {
  return _mm256_loadu_si256(static_cast<const V*>(p));
}
DCF_SHUFFLE_TARGET inline void store(uint8_t* p, V v) {
  _mm256_storeu_si256(reinterpret_cast<V*>(p), v);
}
DCF_SHUFFLE_TARGET inline V repeat(const void* p) {
  return _mm256_broadcastsi128_si256(load_16(p));
}
DCF_SHUFFLE_TARGET inline V load_steps(const uint8_t* p, size_t n) {
  return load_2x16(p, p + n);
}
DCF_SHUFFLE_TARGET inline V splat(uint8_t b) {
  return _mm256_set1_epi8(static_cast<char>(b));
}
DCF_SHUFFLE_TARGET inline V add(V a, V b) {
  return _mm256_add_epi8(a, b);
}
DCF_SHUFFLE_TARGET inline V exclusive_or(V a, V b) {
  return _mm256_xor_si256(a, b);
}
DCF_SHUFFLE_TARGET inline V either(V a, V b) {
  return _mm256_or_si256(a, b);
}
DCF_SHUFFLE_TARGET inline V shuffle(V v, V control) {
  return _mm256_shuffle_epi8(v, control);
}
DCF_SHUFFLE_TARGET inline V look_up(V v, V index) {
  return _mm256_shuffle_epi8(v, _mm256_adds_epu8(index, splat(0x70)));
}
DCF_SHUFFLE_TARGET inline V multiply_16(V v, V factor) {
  return _mm256_mullo_epi16(v, factor);
}
DCF_SHUFFLE_TARGET inline V shift_right_16(V v, unsigned n) {
  return _mm256_srl_epi16(v, _mm_cvtsi32_si128(static_cast<int>(n)));
}
DCF_SHUFFLE_TARGET inline V narrow(V a, V b) {
  return _mm256_packus_epi16(a, b);
}
DCF_SHUFFLE_TARGET inline uint32_t at_least(V v, V pivot) {
  return static_cast<uint32_t>(
      _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(v, pivot), v)));
}
DCF_SHUFFLE_TARGET inline size_t ones_of(unsigned byte) {
  return static_cast<size_t>(_mm_popcnt_u32(byte));
}
DCF_SHUFFLE_TARGET inline void part_8(const uint8_t* src, unsigned byte, uint8_t* left,
                                      uint8_t* right) {
  const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(src));
  const __m128i sorted = _mm_shuffle_epi8(eight, load_16(&kShuffleTables.partition[byte]));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(left), sorted);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(right), _mm_unpackhi_epi64(sorted, sorted));
}

}  // namespace
}  // namespace dcf::impl::codec

#include "codec/shuffle_lookup.h"
#include "codec/shuffle_partition.h"

namespace dcf::impl::codec {
namespace {

DCF_SHUFFLE_TARGET uint64_t count_ones(Bytes bytes) {
  const uint8_t* p = bytes.data();
  const uint8_t* const end = p + bytes.size();
  uint64_t ones = 0;
  for (; end - p >= 8; p += 8) ones += static_cast<uint64_t>(_mm_popcnt_u64(load_le<uint64_t>(p)));
  return ones + static_cast<uint64_t>(_mm_popcnt_u64(load_up_to_8(p, end)));
}

DCF_SHUFFLE_TARGET __m128i merge_16(uint64_t bits, const uint8_t* left, const uint8_t* right) {
  const __m128i control = _mm_add_epi8(load_16(&kShuffleTables.merge_low[bits & 0xFF]),
                                       load_16(&kShuffleTables.merge_high[bits >> 8 & 0xFF]));
  const __m128i other = _mm_xor_si128(control, _mm_set1_epi8(static_cast<char>(0x8F)));
  return _mm_or_si128(_mm_shuffle_epi8(load_16(left), control),
                      _mm_shuffle_epi8(load_16(right), other));
}

DCF_SHUFFLE_TARGET void merge(const uint8_t* bits, size_t m, const uint8_t* left,
                              const uint8_t* right, uint8_t* dst, bool exact) {
  const uint8_t* const end = bits + ceil_div(m, 8);
  // Bytes of the bit string are loaded one by one, which takes fewer instructions than to cut them
  // out of a word.
  for (; m >= 32; m -= 32, bits += 4, dst += 32) {
    const __m256i control = _mm256_add_epi8(
        load_2x16(&kShuffleTables.merge_low[bits[0]], &kShuffleTables.merge_low[bits[2]]),
        load_2x16(&kShuffleTables.merge_high[bits[1]], &kShuffleTables.merge_high[bits[3]]));
    const auto ones = static_cast<size_t>(_mm_popcnt_u32(load_le<uint16_t>(bits)));
    const __m256i lefts = load_2x16(left, left + 16 - ones);
    const __m256i rights = load_2x16(right, right + ones);
    const V other = exclusive_or(control, splat(0x8F));
    store(dst, either(shuffle(lefts, control), shuffle(rights, other)));
    const auto all = static_cast<size_t>(_mm_popcnt_u32(load_le<uint32_t>(bits)));
    right += all;
    left += 32 - all;
  }
  uint64_t word = load_up_to_8(bits, end);
  for (; m > 0; word >>= 16) {
    const __m128i merged = merge_16(word, left, right);
    if (m < 16 && exact) {
      uint8_t rest[16];
      _mm_storeu_si128(reinterpret_cast<__m128i*>(rest), merged);
      std::copy_n(rest, m, dst);
      return;
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(dst), merged);
    if (m <= 16) return;
    const auto ones = static_cast<size_t>(_mm_popcnt_u64(word & 0xFFFF));
    right += ones;
    left += 16 - ones;
    dst += 16;
    m -= 16;
  }
}

// Fields of one bit choose between two symbols, which takes half the instructions of a look-up.
DCF_SHUFFLE_TARGET void expand_bits(const uint8_t* bits, const uint8_t* limit, size_t m,
                                    const uint8_t* symbols, uint8_t* dst, bool exact) {
  const V zero = splat(symbols[0]);
  const V one = splat(symbols[1]);
  // Each byte of the bit string eight times, and from each another bit.
  const V bytes = _mm256_set_epi64x(0x0303030303030303, 0x0202020202020202, 0x0101010101010101, 0);
  const V bit = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201u));
  const auto find = [&](const uint8_t* p) DCF_SHUFFLE_TARGET {
    const V x = shuffle(_mm256_set1_epi32(load_le<int32_t>(p)), bytes);
    return _mm256_blendv_epi8(zero, one, _mm256_cmpeq_epi8(_mm256_and_si256(x, bit), bit));
  };
  expand_by(bits, limit, m, 4, 4, dst, exact, find);
}

DCF_SHUFFLE_TARGET void expand_bits_or_fields(const uint8_t* bits, const uint8_t* limit, size_t m,
                                              unsigned width, const uint8_t* symbols, uint8_t* dst,
                                              bool exact) {
  if (width == 1) return expand_bits(bits, limit, m, symbols, dst, exact);
  expand(bits, limit, m, width, symbols, dst, exact);
}

// Neighbours are joined three times: to 16, 32 and 64 bits. The multiplications take seven bits.
DCF_SHUFFLE_TARGET void pack(const uint8_t* src, size_t m, uint8_t base, unsigned width,
                             uint8_t* bits) {
  if (width <= 6) {
    const __m256i bases = _mm256_set1_epi8(static_cast<char>(base));
    const __m256i join_2 = _mm256_set1_epi16(static_cast<short>(1 | 0x100 << width));
    const __m256i join_4 = _mm256_set1_epi32(1 | 0x10000 << 2 * width);
    const __m128i join_8 = _mm_cvtsi32_si128(static_cast<int>(32 - 4 * width));
    for (; m >= 32; m -= 32, src += 32) {
      __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(src));
      x = _mm256_maddubs_epi16(_mm256_sub_epi8(x, bases), join_2);
      x = _mm256_madd_epi16(x, join_4);
      // The high half moves down to the low one.
      const __m256i low = _mm256_sll_epi32(x, join_8);
      x = _mm256_srl_epi64(_mm256_blend_epi32(low, x, 0xAA), join_8);
      alignas(32) uint64_t words[4];
      _mm256_store_si256(reinterpret_cast<__m256i*>(words), x);
      for (const uint64_t word : words) {
        store_le(bits, word);
        bits += width;
      }
    }
  }
  kScalarTreeKernels.pack(src, m, base, width, bits);
}

}  // namespace

const TreeKernels kAvx2TreeKernels = {CpuSet::kAvx2, count_ones, merge, expand_bits_or_fields,
                                      map,           partition,  pack};

}  // namespace dcf::impl::codec

#endif  // defined(__x86_64__)
