// SPDX-License-Identifier: Apache-2.0
// The reference implementation of the tree kernels, for every machine: eight symbols at a time in a
// 64-bit word.
#include <algorithm>
#include <bit>

#include "codec/bit_reader.h"
#include "codec/tree_kernels.h"

namespace dcf::impl::codec {
namespace {

constexpr uint64_t kBytes = 0x0101010101010101u;

// The merge of eight elements by a byte of the bit string. Its left elements stand in the low bytes
// of a word, first one lowest, its right ones in the others, first one highest. Three rounds bring
// each to its place; they exchange bytes that are 4, 2 and 1 apart. (Zeros, then ones in reverse,
// is a bitonic sequence, for which the rounds of such a network never need one byte for two
// places.)
struct Route {
  uint64_t left;  // which bytes are left ones
  uint64_t by_4;  // both bytes of a pair that changes places
  uint64_t by_2;  // the lower byte of such a pair
  uint64_t by_1;
};
struct Routes {
  alignas(64) std::array<Route, 256> route;
  std::array<uint8_t, 256> ones;
};

constexpr Routes make_routes() {
  Routes routes{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    Route& route = routes.route[byte];
    std::array<unsigned, 8> goal{};  // of the element in each byte
    unsigned left = 0;
    unsigned right = 8;
    for (unsigned i = 0; i < 8; ++i) {
      if (byte >> i & 1) {
        goal[--right] = i;
      } else {
        route.left |= uint64_t{0xFF} << 8 * left;
        goal[left++] = i;
      }
    }
    routes.ones[byte] = static_cast<uint8_t>(8 - right);
    for (const unsigned distance : {4u, 2u, 1u}) {
      uint64_t lower = 0;
      for (unsigned i = 0; i < 8; ++i) {
        if ((i & distance) != 0 || (goal[i] & distance) == 0) continue;
        std::swap(goal[i], goal[i + distance]);
        lower |= uint64_t{0xFF} << 8 * i;
      }
      if (distance == 4) route.by_4 = lower | lower << 32;
      if (distance == 2) route.by_2 = lower;
      if (distance == 1) route.by_1 = lower;
    }
    for (unsigned i = 0; i < 8; ++i) {
      if (goal[i] != i) throw "an element missed its place";
    }
  }
  return routes;
}
constexpr Routes kRoutes = make_routes();

uint64_t exchange(uint64_t x, uint64_t lower, unsigned bits) {
  const uint64_t changed = (x ^ x >> bits) & lower;
  return x ^ changed ^ changed << bits;
}

// Eight bytes, the first one highest. Written so that compilers see one load.
uint64_t load_reversed(const uint8_t* p) {
  uint64_t x = 0;
  for (unsigned i = 0; i < 8; ++i) x = x << 8 | p[i];
  return x;
}

uint64_t merge_8(const Route& route, const uint8_t* left, const uint8_t* right) {
  const uint64_t rights = load_reversed(right);
  uint64_t x = rights ^ ((rights ^ load_le<uint64_t>(left)) & route.left);
  x ^= (x ^ std::rotl(x, 32)) & route.by_4;
  return exchange(exchange(x, route.by_2, 16), route.by_1, 8);
}

// The rounds of merge_8() undone: left elements in the low bytes again, right ones above them.
uint64_t unmerge_8(const Route& route, uint64_t x) {
  x = exchange(exchange(x, route.by_1, 8), route.by_2, 16);
  return x ^ ((x ^ std::rotl(x, 32)) & route.by_4);
}

void store_reversed(uint8_t* p, uint64_t x) {
  for (unsigned i = 0; i < 8; ++i) p[i] = static_cast<uint8_t>(x >> (56 - 8 * i));
}

// In each byte the number of its ones, 0 to 8.
uint64_t ones_of_bytes(uint64_t x) {
  x -= x >> 1 & 0x55 * kBytes;
  x = (x & 0x33 * kBytes) + (x >> 2 & 0x33 * kBytes);
  return (x + (x >> 4)) & 0x0F * kBytes;
}

// Not by std::popcount: without an instruction for it that is a call of a function.
uint64_t count_ones(Bytes bytes) {
  constexpr size_t kWords = 31;  // whose ones a byte can count
  const uint8_t* p = bytes.data();
  const uint8_t* const end = p + bytes.size();
  uint64_t ones = 0;
  while (p < end) {
    const size_t words = std::min<size_t>(static_cast<size_t>(end - p) / 8, kWords);
    uint64_t counts = 0;
    for (size_t i = 0; i < words; ++i, p += 8) counts += ones_of_bytes(load_le<uint64_t>(p));
    if (words < kWords) {
      counts += ones_of_bytes(load_up_to_8(p, end));
      p = end;
    }
    constexpr uint64_t kEven = 0x00FF00FF00FF00FFu;
    ones += ((counts & kEven) + (counts >> 8 & kEven)) * 0x0001000100010001u >> 48;
  }
  return ones;
}

void merge(const uint8_t* bits, size_t m, const uint8_t* left, const uint8_t* right, uint8_t* dst,
           bool) {
  const uint8_t* const end = dst + m;
  for (; end - dst >= 8; dst += 8) {
    const unsigned byte = *bits++;
    store_le(dst, merge_8(kRoutes.route[byte], left, right));
    right += kRoutes.ones[byte];
    left += 8 - kRoutes.ones[byte];
  }
  if (dst < end) {
    uint64_t rest = merge_8(kRoutes.route[*bits], left, right);
    for (; dst < end; rest >>= 8) *dst++ = static_cast<uint8_t>(rest);
  }
}

// Looks up several fields at once: tuples[t] has the symbols of the fields that t consists of.
template <typename Tuple>
void expand_tuples(const uint8_t* bits, const uint8_t* limit, size_t m, unsigned width,
                   const Tuple* tuples, uint8_t* dst) {
  const unsigned shift = sizeof(Tuple) * width;
  for (; m >= 8; m -= 8, bits += width, dst += 8) {
    uint64_t word = load_up_to_8(bits, limit);
    for (size_t i = 0; i < 8; i += sizeof(Tuple), word >>= shift) {
      store_le(dst + i, tuples[word & low_mask(shift)]);
    }
  }
  uint64_t word = load_up_to_8(bits, limit);
  for (; m > 0; --m, word >>= width) *dst++ = static_cast<uint8_t>(tuples[word & low_mask(width)]);
}

// Shorter lists do not pay for making the tuples.
constexpr size_t kWorthTuples = 128;

template <typename Tuple, unsigned kWidth>
void expand_with(const uint8_t* bits, const uint8_t* limit, size_t m, const uint8_t* symbols,
                 uint8_t* dst) {
  std::array<Tuple, size_t{1} << sizeof(Tuple) * kWidth> tuples;
  for (size_t t = 0; t < tuples.size(); ++t) {
    Tuple tuple = 0;
    for (unsigned field = 0; field < sizeof(Tuple); ++field) {
      const Tuple symbol = symbols[t >> field * kWidth & low_mask(kWidth)];
      tuple = static_cast<Tuple>(tuple | symbol << 8 * field);
    }
    tuples[t] = tuple;
  }
  expand_tuples(bits, limit, m, kWidth, tuples.data(), dst);
}

void expand(const uint8_t* bits, const uint8_t* limit, size_t m, unsigned width,
            const uint8_t* symbols, uint8_t* dst, bool) {
  if (m < kWorthTuples) return expand_tuples(bits, limit, m, width, symbols, dst);
  switch (width) {
    case 1:
      return expand_with<uint64_t, 1>(bits, limit, m, symbols, dst);
    case 2:
      return expand_with<uint32_t, 2>(bits, limit, m, symbols, dst);
    case 3:
      return expand_with<uint16_t, 3>(bits, limit, m, symbols, dst);
    case 4:
      return expand_with<uint16_t, 4>(bits, limit, m, symbols, dst);
    case 5:
      return expand_tuples(bits, limit, m, 5, symbols, dst);
    case 6:
      return expand_tuples(bits, limit, m, 6, symbols, dst);
    case 7:
      return expand_tuples(bits, limit, m, 7, symbols, dst);
    default:
      return expand_tuples(bits, limit, m, 8, symbols, dst);
  }
}

void map(const uint8_t* src, size_t m, const uint8_t* table, size_t, uint8_t* dst) {
  for (; m >= 8; m -= 8, src += 8, dst += 8) {
    const auto from = load_le<uint64_t>(src);
    uint64_t to = 0;
    for (unsigned i = 0; i < 64; i += 8) to |= uint64_t{table[from >> i & 0xFF]} << i;
    store_le(dst, to);
  }
  for (; m > 0; --m) *dst++ = table[*src++];
}

size_t partition(uint8_t* list, size_t m, uint8_t pivot, uint8_t* right, uint8_t* bits) {
  const uint8_t* src = list;
  uint8_t* left = list;
  const uint8_t* const rights = right;
  constexpr uint64_t kHighBits = 0x80 * kBytes;
  const uint64_t low_pivot = (pivot & 0x7F) * kBytes;
  const uint64_t high_or = pivot < 0x80 ? ~uint64_t{0} : 0;
  const auto split_8 = [&](unsigned valid) {
    const auto x = load_le<uint64_t>(src);
    // In the high bit of each byte: its low bits are not below those of the pivot.
    const uint64_t low = (x | kHighBits) - low_pivot;
    const uint64_t is_right = ((x & low) | ((x | low) & high_or)) & kHighBits;
    const unsigned byte =
        static_cast<unsigned>((is_right >> 7) * 0x0102040810204080u >> 56) & valid;
    *bits++ = static_cast<uint8_t>(byte);
    const uint64_t sorted = unmerge_8(kRoutes.route[byte], x);
    store_le(left, sorted);
    store_reversed(right, sorted);
    right += kRoutes.ones[byte];
    left += 8 - kRoutes.ones[byte];
  };
  for (const uint8_t* const last = list + m / 8 * 8; src < last; src += 8) split_8(0xFF);
  // Elements after the end count as left ones; they are overwritten or lie in the slack.
  if (m % 8 > 0) split_8((1u << m % 8) - 1);
  return static_cast<size_t>(right - rights);
}

void pack(const uint8_t* src, size_t m, uint8_t base, unsigned width, uint8_t* bits) {
  const uint64_t bases = base * kBytes;
  for (; m >= 8; m -= 8, src += 8, bits += width) {
    store_le(bits, pack_8(load_le<uint64_t>(src) - bases, width));
  }
  if (m > 0) {
    const uint64_t valid = low_mask(static_cast<unsigned>(8 * m));
    store_le(bits, pack_8((load_le<uint64_t>(src) & valid) - (bases & valid), width));
  }
}

}  // namespace

const TreeKernels kScalarTreeKernels = {CpuSet::kScalar, count_ones, merge, expand, map,
                                        partition,       pack};

}  // namespace dcf::impl::codec
