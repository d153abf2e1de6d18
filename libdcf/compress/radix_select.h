// SPDX-License-Identifier: Apache-2.0
// Radix selection among unsigned keys that need not be in memory: the cut that pruning makes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace dcf::impl::compress {

// Where pruning stops: keys below `key` are removed, and the first `ties` of those equal to it.
struct Cut {
  uint64_t key;
  uint64_t ties;
};

// The cut that removes exactly `count` keys, where `count` is less than their number.
// for_each(visit) calls visit(key) for every key, or visit(key, times) for many equal ones; each
// time for the same keys, which are below 2^bits. One pass per 16 bits, from the top, instead of
// partitioning a copy of the keys; allocates 512 KiB. If a pass of for_each ends early, the cut has
// no meaning.
template <typename ForEach>
Cut radix_cut(int bits, uint64_t count, ForEach for_each) {
  const int digit_bits = std::min(bits, 16);
  const uint64_t digits_count = uint64_t{1} << digit_bits;
  std::vector<uint64_t> histogram(digits_count);
  uint64_t prefix = 0;  // the digits of the cut found so far
  for (int shift = bits - digit_bits; shift >= 0; shift -= digit_bits) {
    std::fill(histogram.begin(), histogram.end(), 0);
    for_each([&](uint64_t key, uint64_t times = 1) {
      const uint64_t digits = key >> shift;
      if (digits >> digit_bits == prefix) histogram[digits % digits_count] += times;
    });
    uint64_t digit = 0;
    for (; digit + 1 < digits_count && histogram[digit] <= count; ++digit) {
      count -= histogram[digit];
    }
    prefix = prefix << digit_bits | digit;
  }
  return {prefix, count};
}

// Tells for each key, in order, whether the cut removes it.
class Cutter {
 public:
  explicit Cutter(Cut cut) : cut_(cut) {}
  bool removes(uint64_t key) {
    if (key != cut_.key) return key < cut_.key;
    if (cut_.ties == 0) return false;
    --cut_.ties;
    return true;
  }

 private:
  Cut cut_;
};

}  // namespace dcf::impl::compress
