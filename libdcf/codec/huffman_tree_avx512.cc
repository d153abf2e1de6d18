// SPDX-License-Identifier: Apache-2.0
// The tree kernels for AVX-512 with VBMI2: its byte expansion is a merge and its byte compression a
// partition, of 64 elements at a time. Each function has its own target attribute
// (huffman_tree_avx2.cc says why).
#include "codec/tree_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <array>

#include "codec/bit_reader.h"

#define DCF_AVX512 \
  __attribute__((target("avx512f,avx512bw,avx512vbmi,avx512vbmi2,avx512vpopcntdq,popcnt")))

namespace dcf::impl::codec {
namespace {

// Of 64 fields: their bytes, eight fields to a word of 64 bits, and where fields start in a word.
struct FieldLayout {
  alignas(64) std::array<uint8_t, 64> bytes;
  alignas(64) std::array<uint8_t, 64> shifts;
};

constexpr std::array<FieldLayout, 9> make_layouts() {
  std::array<FieldLayout, 9> layouts{};
  for (unsigned width = 1; width <= 8; ++width) {
    for (unsigned i = 0; i < 64; ++i) {
      layouts[width].bytes[i] = static_cast<uint8_t>(i / 8 * width + i % 8);
      layouts[width].shifts[i] = static_cast<uint8_t>(i % 8 * width);
    }
  }
  return layouts;
}
constexpr std::array<FieldLayout, 9> kLayouts = make_layouts();

DCF_AVX512 __mmask64 first(size_t n) {
  return _cvtu64_mask64(n >= 64 ? ~uint64_t{0} : low_mask(static_cast<unsigned>(n)));
}

DCF_AVX512 uint64_t count_ones(Bytes bytes) {
  const uint8_t* p = bytes.data();
  size_t left = bytes.size();
  __m512i sum = _mm512_setzero_si512();
  for (; left >= 64; left -= 64, p += 64) {
    sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_loadu_si512(p)));
  }
  const __m512i rest = _mm512_maskz_loadu_epi8(first(left), p);
  return static_cast<uint64_t>(
      _mm512_reduce_add_epi64(_mm512_add_epi64(sum, _mm512_popcnt_epi64(rest))));
}

DCF_AVX512 __m512i merge_64(uint64_t word, const uint8_t* left, const uint8_t* right) {
  const __mmask64 ones = _cvtu64_mask64(word);
  const __m512i lefts = _mm512_maskz_expand_epi8(_knot_mask64(ones), _mm512_loadu_si512(left));
  return _mm512_mask_expand_epi8(lefts, ones, _mm512_loadu_si512(right));
}

DCF_AVX512 void merge(const uint8_t* bits, size_t m, const uint8_t* left, const uint8_t* right,
                      uint8_t* dst, bool exact) {
  const uint8_t* const end = bits + ceil_div(m, 8);
  for (; m >= 64; m -= 64, bits += 8, dst += 64) {
    const auto word = load_le<uint64_t>(bits);
    _mm512_storeu_si512(dst, merge_64(word, left, right));
    const auto ones = static_cast<size_t>(_mm_popcnt_u64(word));
    right += ones;
    left += 64 - ones;
  }
  if (m == 0) return;
  const __m512i rest = merge_64(load_up_to_8(bits, end), left, right);
  _mm512_mask_storeu_epi8(dst, exact ? first(m) : first(64), rest);
}

// A table of up to 256 symbols.
struct Table {
  __m512i quarters[4];
};

template <unsigned kQuarters>
DCF_AVX512 __m512i look_up(const Table& table, __m512i index) {
  const __m512i* const q = table.quarters;
  if constexpr (kQuarters == 1) return _mm512_permutexvar_epi8(index, q[0]);
  const __m512i low = _mm512_permutex2var_epi8(q[0], index, q[1]);
  if constexpr (kQuarters == 2) return low;
  return _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(index),
                              _mm512_permutex2var_epi8(q[2], index, q[3]));
}

template <unsigned kQuarters>
DCF_AVX512 void expand_fields(const uint8_t* bits, const uint8_t* limit, size_t m, unsigned width,
                              const uint8_t* symbols, uint8_t* dst, bool exact) {
  Table table;
  for (unsigned i = 0; i < kQuarters; ++i) {
    table.quarters[i] = _mm512_maskz_loadu_epi8(first(size_t{1} << width), symbols + 64 * i);
  }
  const __m512i bytes = _mm512_load_si512(kLayouts[width].bytes.data());
  const __m512i shifts = _mm512_load_si512(kLayouts[width].shifts.data());
  const __m512i mask = _mm512_set1_epi8(static_cast<char>((1u << width) - 1));
  for (;; bits += size_t{8} * width, dst += 64, m -= 64) {
    const __m512i packed = _mm512_maskz_loadu_epi8(first(static_cast<size_t>(limit - bits)), bits);
    const __m512i words = _mm512_permutexvar_epi8(bytes, packed);
    const __m512i fields = _mm512_and_si512(_mm512_multishift_epi64_epi8(shifts, words), mask);
    const __m512i found = look_up<kQuarters>(table, fields);
    if (m <= 64) {
      _mm512_mask_storeu_epi8(dst, exact ? first(m) : first(64), found);
      return;
    }
    _mm512_storeu_si512(dst, found);
  }
}

DCF_AVX512 void expand(const uint8_t* bits, const uint8_t* limit, size_t m, unsigned width,
                       const uint8_t* symbols, uint8_t* dst, bool exact) {
  switch (width) {
    case 8:
      return expand_fields<4>(bits, limit, m, width, symbols, dst, exact);
    case 7:
      return expand_fields<2>(bits, limit, m, width, symbols, dst, exact);
    default:
      return expand_fields<1>(bits, limit, m, width, symbols, dst, exact);
  }
}

template <unsigned kQuarters>
DCF_AVX512 void map_table(const uint8_t* src, size_t m, const uint8_t* symbols, uint8_t* dst) {
  Table table;
  for (unsigned i = 0; i < kQuarters; ++i) {
    table.quarters[i] = _mm512_loadu_si512(symbols + 64 * i);
  }
  for (; m >= 64; m -= 64, src += 64, dst += 64) {
    _mm512_storeu_si512(dst, look_up<kQuarters>(table, _mm512_loadu_si512(src)));
  }
  const __m512i rest = _mm512_maskz_loadu_epi8(first(m), src);
  _mm512_storeu_si512(dst, look_up<kQuarters>(table, rest));
}

DCF_AVX512 void map(const uint8_t* src, size_t m, const uint8_t* table, size_t table_size,
                    uint8_t* dst) {
  if (table_size <= 64) return map_table<1>(src, m, table, dst);
  if (table_size <= 128) return map_table<2>(src, m, table, dst);
  map_table<4>(src, m, table, dst);
}

DCF_AVX512 size_t partition(uint8_t* list, size_t m, uint8_t pivot, uint8_t* right, uint8_t* bits) {
  const uint8_t* src = list;
  uint8_t* left = list;
  const uint8_t* const rights = right;
  const __m512i pivots = _mm512_set1_epi8(static_cast<char>(pivot));
  for (size_t i = 0; i < m; i += 64, src += 64, bits += 8) {
    const __mmask64 valid = first(m - i);
    const __m512i v = _mm512_loadu_si512(src);
    const __mmask64 ones = _mm512_mask_cmpge_epu8_mask(valid, v, pivots);
    const __mmask64 zeros = _kandn_mask64(ones, valid);
    const auto word = _cvtmask64_u64(ones);
    if (m - i >= 64) {
      store_le(bits, word);
    } else {
      for (size_t b = 0; b < ceil_div(m - i, 8); ++b) bits[b] = static_cast<uint8_t>(word >> 8 * b);
    }
    const auto to_right = static_cast<size_t>(_mm_popcnt_u64(word));
    const auto to_left = static_cast<size_t>(_mm_popcnt_u64(_cvtmask64_u64(zeros)));
    _mm512_storeu_si512(left, _mm512_maskz_compress_epi8(zeros, v));
    _mm512_storeu_si512(right, _mm512_maskz_compress_epi8(ones, v));
    left += to_left;
    right += to_right;
  }
  return static_cast<size_t>(right - rights);
}

// Neighbours are joined three times, to 64 bits, whose bytes then move together; the
// multiplications take seven bits.
DCF_AVX512 void pack(const uint8_t* src, size_t m, uint8_t base, unsigned width, uint8_t* bits) {
  if (width > 6) return kScalarTreeKernels.pack(src, m, base, width, bits);
  const __m512i bases = _mm512_set1_epi8(static_cast<char>(base));
  const __m512i join_2 = _mm512_set1_epi16(static_cast<short>(1 | 0x100 << width));
  const __m512i join_4 = _mm512_set1_epi32(1 | 0x10000 << 2 * width);
  const __m128i join_8 = _mm_cvtsi32_si128(static_cast<int>(32 - 4 * width));
  const __mmask64 used = _cvtu64_mask64(low_mask(width) * 0x0101010101010101u);
  for (size_t i = 0; i < m; i += 64, src += 64, bits += size_t{8} * width) {
    const __mmask64 valid = first(m - i);
    __m512i x = _mm512_maskz_sub_epi8(valid, _mm512_loadu_si512(src), bases);
    x = _mm512_madd_epi16(_mm512_maddubs_epi16(x, join_2), join_4);
    // The high half moves down to the low one.
    x = _mm512_srl_epi64(_mm512_mask_sll_epi32(x, 0x5555, x, join_8), join_8);
    const __mmask64 bytes = first(packed_size(std::min<size_t>(64, m - i), width));
    _mm512_mask_storeu_epi8(bits, bytes, _mm512_maskz_compress_epi8(used, x));
  }
}

}  // namespace

const TreeKernels kAvx512vbmi2TreeKernels = {
    CpuSet::kAvx512vbmi2, count_ones, merge, expand, map, partition, pack};

}  // namespace dcf::impl::codec

#endif  // defined(__x86_64__)
