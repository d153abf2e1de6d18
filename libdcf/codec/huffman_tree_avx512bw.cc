// SPDX-License-Identifier: Apache-2.0
// The tree kernels for AVX-512 BW and DQ, which move bytes only within lanes of 16: for the
// machines between AVX2 and VBMI2. Each function has its own target attribute (huffman_tree_avx2.cc
// says why).
#include "codec/tree_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <array>

#include "codec/bit_reader.h"

#define DCF_AVX512BW __attribute__((target("avx512f,avx512bw,avx512dq,popcnt,bmi,bmi2")))

namespace dcf::impl::codec {
namespace {

constexpr size_t kStep = 64;  // symbols of a vector

DCF_AVX512BW inline __mmask64 first(size_t n) {
  return _cvtu64_mask64(n >= kStep ? ~uint64_t{0} : low_mask(static_cast<unsigned>(n)));
}
DCF_AVX512BW inline __m512i splat(unsigned byte) {
  return _mm512_set1_epi8(static_cast<char>(byte));
}

// Nibbles are looked up: twice as fast as words counted one by one.
DCF_AVX512BW uint64_t count_ones(Bytes bytes) {
  const __m512i ones =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
  const __m512i nibble = splat(0x0F);
  __m512i sum = _mm512_setzero_si512();
  const auto add = [&](__m512i v) DCF_AVX512BW {
    const __m512i low = _mm512_shuffle_epi8(ones, _mm512_and_si512(v, nibble));
    const __m512i high =
        _mm512_shuffle_epi8(ones, _mm512_and_si512(_mm512_srli_epi16(v, 4), nibble));
    sum =
        _mm512_add_epi64(sum, _mm512_sad_epu8(_mm512_add_epi8(low, high), _mm512_setzero_si512()));
  };
  const uint8_t* p = bytes.data();
  size_t left = bytes.size();
  for (; left >= kStep; left -= kStep, p += kStep) add(_mm512_loadu_si512(p));
  add(_mm512_maskz_loadu_epi8(first(left), p));
  return static_cast<uint64_t>(_mm512_reduce_add_epi64(sum));
}

DCF_AVX512BW inline __m512i load_4x16(const uint8_t* a, const uint8_t* b, const uint8_t* c,
                                      const uint8_t* d) {
  const auto load = [](const uint8_t* p) DCF_AVX512BW {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  };
  __m512i v = _mm512_castsi128_si512(load(a));
  v = _mm512_inserti32x4(v, load(b), 1);
  v = _mm512_inserti32x4(v, load(c), 2);
  return _mm512_inserti32x4(v, load(d), 3);
}

// Merges 64 symbols and advances both lists. Each 16 take the next 16 of either list: a right one
// by the number of right ones up to it, a left one by its place less that number.
DCF_AVX512BW inline __m512i merge_64(uint64_t word, const uint8_t** left, const uint8_t** right) {
  const __mmask64 bits = _cvtu64_mask64(word);
  // The number of right ones up to each symbol: of its eight by a product, whose bytes are sums of
  // the ones below and never carry, and then of its sixteen.
  __m512i sum = _mm512_mullo_epi64(_mm512_maskz_mov_epi8(bits, splat(1)), splat(1));
  const __m512i to_second_half = _mm512_broadcast_i32x4(
      _mm_set_epi64x(0x0707070707070707, static_cast<int64_t>(~uint64_t{0})));
  sum = _mm512_add_epi8(sum, _mm512_shuffle_epi8(sum, to_second_half));

  const auto ones = [](uint64_t w) DCF_AVX512BW { return _mm_popcnt_u64(w); };
  const auto ones_16 = ones(word & 0xFFFF);
  const auto ones_32 = ones(word & 0xFFFFFFFF);
  const auto ones_48 = ones(word << 16);
  const uint8_t* const r = *right;
  const uint8_t* const l = *left;
  const __m512i rights = load_4x16(r, r + ones_16, r + ones_32, r + ones_48);
  const __m512i lefts = load_4x16(l, l + 16 - ones_16, l + 32 - ones_32, l + 48 - ones_48);
  const auto all = ones(word);
  *right = r + all;
  *left = l + 64 - all;

  const __m512i place =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  const __m512i merged = _mm512_shuffle_epi8(lefts, _mm512_sub_epi8(place, sum));
  return _mm512_mask_shuffle_epi8(merged, bits, rights, _mm512_sub_epi8(sum, splat(1)));
}

DCF_AVX512BW void merge(const uint8_t* bits, size_t m, const uint8_t* left, const uint8_t* right,
                        uint8_t* dst, bool exact) {
  const uint8_t* const end = bits + ceil_div(m, 8);
  for (; m >= kStep; m -= kStep, bits += 8, dst += kStep) {
    _mm512_storeu_si512(dst, merge_64(load_le<uint64_t>(bits), &left, &right));
  }
  if (m == 0) return;
  const __m512i rest = merge_64(load_up_to_8(bits, end), &left, &right);
  _mm512_mask_storeu_epi8(dst, exact ? first(m) : first(kStep), rest);
}

// Symbols by index, in 16 to each vector of a table.
template <unsigned kBits>
struct Table {
  static constexpr size_t kVectors = kBits <= 4 ? 1 : size_t{1} << (kBits - 4);
  __m512i vectors[kVectors];

  // The first `size` symbols, or a few more.
  DCF_AVX512BW explicit Table(const uint8_t* symbols, size_t size) {
    for (size_t i = 0; i < kVectors; ++i) {
      const __m512i some =
          _mm512_maskz_loadu_epi8(first(std::min<size_t>(size - 16 * i, 16)), symbols + 16 * i);
      vectors[i] = _mm512_broadcast_i32x4(_mm512_castsi512_si128(some));
    }
  }
};

// Entries of 2^kBits symbols from `vectors` on; `low`: the index's four low bits.
template <unsigned kBits>
DCF_AVX512BW inline __m512i look_up(const __m512i* vectors, __m512i index, __m512i low) {
  if constexpr (kBits <= 4) {
    return _mm512_shuffle_epi8(*vectors, low);
  } else {
    const __mmask64 upper = _mm512_test_epi8_mask(index, splat(1u << (kBits - 1)));
    const __m512i found = look_up<kBits - 1>(vectors, index, low);
    constexpr size_t kHalf = size_t{1} << (kBits - 5);
    if constexpr (kBits == 5) {
      return _mm512_mask_shuffle_epi8(found, upper, vectors[kHalf], low);
    } else {
      return _mm512_mask_blend_epi8(upper, found, look_up<kBits - 1>(vectors + kHalf, index, low));
    }
  }
}
template <unsigned kBits>
DCF_AVX512BW inline __m512i look_up(const Table<kBits>& table, __m512i index) {
  const __m512i low = kBits <= 4 ? index : _mm512_and_si512(index, splat(0x0F));
  return look_up<kBits>(table.vectors, index, low);
}

// Where the fields of 64 bytes are. A quarter of them has 2 * width bytes, which move to 16 bytes
// of its own by words of 32 bits; there two bytes that hold the field go to each pair of symbols,
// once for the first and once for the second, to be shifted into their places.
struct FieldLayout {
  alignas(64) std::array<uint32_t, 16> words;
  alignas(64) std::array<uint8_t, 64> first_bytes;
  alignas(64) std::array<uint8_t, 64> second_bytes;
  alignas(64) std::array<uint16_t, 32> first_right;  // shift
  alignas(64) std::array<uint16_t, 32> second_left;
};

constexpr std::array<FieldLayout, 8> make_layouts() {
  std::array<FieldLayout, 8> layouts{};
  for (unsigned width = 2; width < 8; ++width) {
    FieldLayout& layout = layouts[width];
    for (unsigned quarter = 0; quarter < 4; ++quarter) {
      const unsigned start = 2 * width * quarter;
      for (unsigned i = 0; i < 4; ++i) layout.words[4 * quarter + i] = (start / 4 + i) % 16;
      for (unsigned pair = 0; pair < 8; ++pair) {
        const unsigned at = 8 * quarter + pair;
        const unsigned bit = 8 * (start % 4) + 2 * width * pair;
        layout.first_bytes[2 * at] = static_cast<uint8_t>(bit / 8);
        layout.first_bytes[2 * at + 1] = static_cast<uint8_t>(bit / 8 + 1);
        layout.first_right[at] = static_cast<uint16_t>(bit % 8);
        const unsigned next = bit + width;
        layout.second_bytes[2 * at] = static_cast<uint8_t>(next / 8);
        layout.second_bytes[2 * at + 1] = static_cast<uint8_t>(next / 8 + 1);
        layout.second_left[at] = static_cast<uint16_t>(8 - next % 8);
      }
    }
  }
  return layouts;
}
constexpr std::array<FieldLayout, 8> kLayouts = make_layouts();

class Unpacker {
 public:
  DCF_AVX512BW explicit Unpacker(unsigned width)
      : words_(_mm512_load_si512(kLayouts[width].words.data())),
        first_bytes_(_mm512_load_si512(kLayouts[width].first_bytes.data())),
        second_bytes_(_mm512_load_si512(kLayouts[width].second_bytes.data())),
        first_right_(_mm512_load_si512(kLayouts[width].first_right.data())),
        second_left_(_mm512_load_si512(kLayouts[width].second_left.data())),
        field_(splat((1u << width) - 1)) {}

  DCF_AVX512BW __m512i operator()(__m512i packed) const {
    const __m512i x = _mm512_permutexvar_epi32(words_, packed);
    const __m512i a = _mm512_srlv_epi16(_mm512_shuffle_epi8(x, first_bytes_), first_right_);
    const __m512i b = _mm512_sllv_epi16(_mm512_shuffle_epi8(x, second_bytes_), second_left_);
    // Low bytes of a, high ones of b.
    constexpr int kSelect = 0xCA;
    const __m512i low = _mm512_set1_epi16(0x00FF);
    return _mm512_and_si512(_mm512_ternarylogic_epi32(low, a, b, kSelect), field_);
  }

 private:
  __m512i words_;
  __m512i first_bytes_;
  __m512i second_bytes_;
  __m512i first_right_;
  __m512i second_left_;
  __m512i field_;
};

// find(v) gives the symbols of the fields in the first bytes of v, `step` of them.
template <typename Find>
DCF_AVX512BW inline void expand_by(const uint8_t* bits, const uint8_t* limit, size_t m, size_t step,
                                   uint8_t* dst, bool exact, Find find) {
  for (; m > kStep && limit - bits >= 64; bits += step, dst += kStep, m -= kStep) {
    _mm512_storeu_si512(dst, find(_mm512_loadu_si512(bits)));
  }
  for (;; bits += step, dst += kStep, m -= kStep) {
    const __m512i packed = _mm512_maskz_loadu_epi8(first(static_cast<size_t>(limit - bits)), bits);
    const __m512i found = find(packed);
    if (m <= kStep) {
      _mm512_mask_storeu_epi8(dst, exact ? first(m) : first(kStep), found);
      return;
    }
    _mm512_storeu_si512(dst, found);
  }
}

template <unsigned kWidth>
DCF_AVX512BW void expand_fields(const uint8_t* bits, const uint8_t* limit, size_t m,
                                const uint8_t* symbols, uint8_t* dst, bool exact) {
  const Table<kWidth> table(symbols, size_t{1} << kWidth);
  if constexpr (kWidth == 8) {
    const auto find = [&](__m512i index) DCF_AVX512BW { return look_up(table, index); };
    expand_by(bits, limit, m, kStep, dst, exact, find);
  } else {
    const Unpacker unpack(kWidth);
    const auto find = [&](__m512i packed) DCF_AVX512BW { return look_up(table, unpack(packed)); };
    expand_by(bits, limit, m, 8 * kWidth, dst, exact, find);
  }
}

// Fields of one bit choose between two symbols.
DCF_AVX512BW void expand_bits(const uint8_t* bits, const uint8_t* limit, size_t m,
                              const uint8_t* symbols, uint8_t* dst, bool exact) {
  const __m512i zero = splat(symbols[0]);
  const __m512i one = splat(symbols[1]);
  const auto choose = [&](uint64_t word) DCF_AVX512BW {
    return _mm512_mask_blend_epi8(_cvtu64_mask64(word), zero, one);
  };
  for (; m > kStep; bits += 8, dst += kStep, m -= kStep) {
    _mm512_storeu_si512(dst, choose(load_le<uint64_t>(bits)));
  }
  _mm512_mask_storeu_epi8(dst, exact ? first(m) : first(kStep), choose(load_up_to_8(bits, limit)));
}

DCF_AVX512BW void expand(const uint8_t* bits, const uint8_t* limit, size_t m, unsigned width,
                         const uint8_t* symbols, uint8_t* dst, bool exact) {
  switch (width) {
    case 1:
      return expand_bits(bits, limit, m, symbols, dst, exact);
    case 2:
      return expand_fields<2>(bits, limit, m, symbols, dst, exact);
    case 3:
      return expand_fields<3>(bits, limit, m, symbols, dst, exact);
    case 4:
      return expand_fields<4>(bits, limit, m, symbols, dst, exact);
    case 5:
      return expand_fields<5>(bits, limit, m, symbols, dst, exact);
    case 6:
      return expand_fields<6>(bits, limit, m, symbols, dst, exact);
    case 7:
      return expand_fields<7>(bits, limit, m, symbols, dst, exact);
    default:
      return expand_fields<8>(bits, limit, m, symbols, dst, exact);
  }
}

template <unsigned kBits>
DCF_AVX512BW void map_table(const uint8_t* src, size_t m, const uint8_t* symbols, uint8_t* dst) {
  const Table<kBits> table(symbols, size_t{1} << kBits);
  for (; m >= kStep; m -= kStep, src += kStep, dst += kStep) {
    _mm512_storeu_si512(dst, look_up(table, _mm512_loadu_si512(src)));
  }
  _mm512_storeu_si512(dst, look_up(table, _mm512_maskz_loadu_epi8(first(m), src)));
}

DCF_AVX512BW void map(const uint8_t* src, size_t m, const uint8_t* table, size_t table_size,
                      uint8_t* dst) {
  if (table_size <= 16) return map_table<4>(src, m, table, dst);
  if (table_size <= 32) return map_table<5>(src, m, table, dst);
  if (table_size <= 64) return map_table<6>(src, m, table, dst);
  if (table_size <= 128) return map_table<7>(src, m, table, dst);
  map_table<8>(src, m, table, dst);
}

// Without VBMI2 there is nothing wider than this.
size_t partition(uint8_t* list, size_t m, uint8_t pivot, uint8_t* right, uint8_t* bits) {
  return kAvx2TreeKernels.partition(list, m, pivot, right, bits);
}
void pack(const uint8_t* src, size_t m, uint8_t base, unsigned width, uint8_t* bits) {
  kAvx2TreeKernels.pack(src, m, base, width, bits);
}

}  // namespace

const TreeKernels kAvx512bwTreeKernels = {CpuSet::kAvx512bw, count_ones, merge, expand, map,
                                          partition,         pack};

}  // namespace dcf::impl::codec

#endif  // defined(__x86_64__)
