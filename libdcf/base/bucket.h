// SPDX-License-Identifier: Apache-2.0
// The bucket code of spec 7.4: a small number is its own symbol; a larger one is a symbol for its
// magnitude and leading bits, followed by its remaining bits as they are. In base, because the
// format derives alphabets from the codes and the codec codes with them.
#pragma once

#include <bit>
#include <cstdint>

namespace dcf::impl {

struct BucketCode {
  unsigned t;  // numbers below 2^t are their own symbol
  unsigned s;  // number of bits below the highest one that belong to the symbol; s <= t

  // The number of symbols for all numbers below 2^bits, bits >= t.
  constexpr unsigned alphabet(unsigned bits) const { return (1u << t) + ((bits - t) << s); }

  constexpr unsigned symbol(uint64_t v) const {
    if (v < uint64_t{1} << t) return static_cast<unsigned>(v);
    const unsigned e = static_cast<unsigned>(std::bit_width(v)) - 1;
    const unsigned lead = static_cast<unsigned>(v >> (e - s)) & ((1u << s) - 1);
    return (1u << t) + ((e - t) << s) + lead;
  }
  // The number of extra bits that follow the symbol: the low bits of the number.
  constexpr unsigned extra_bits(unsigned symbol) const {
    return symbol < (1u << t) ? 0 : t + ((symbol - (1u << t)) >> s) - s;
  }
  // The smallest number with this symbol; the extra bits are added to it.
  constexpr uint64_t base(unsigned symbol) const {
    if (symbol < (1u << t)) return symbol;
    const unsigned lead = (symbol - (1u << t)) & ((1u << s) - 1);
    return ((uint64_t{1} << s) + lead) << extra_bits(symbol);
  }
};

// The codes of the format (spec 7.2, 8.3), and the bits of the numbers that they code. Alphabets
// are at most 256; the numbers below are those of the specification.
inline constexpr BucketCode kCountBuckets{7, 2};  // entries of a row
inline constexpr unsigned kCountBits = 23;
inline constexpr unsigned kGapBits = 22;        // gap-bucket positions; t and s are parameters
inline constexpr BucketCode kIntBuckets{7, 2};  // integers of 16 and 32 bits
inline constexpr BucketCode kInt64Buckets{7, 1};
inline constexpr unsigned kTrellisBits = 24;  // numbers of trellis values, in kIntBuckets

static_assert(kCountBuckets.alphabet(kCountBits) == 192);
static_assert(kIntBuckets.alphabet(16) == 164 && kIntBuckets.alphabet(32) == 228);
static_assert(kInt64Buckets.alphabet(64) == 242);
static_assert(kIntBuckets.alphabet(kTrellisBits) == 196);

}  // namespace dcf::impl
