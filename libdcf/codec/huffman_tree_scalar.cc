// SPDX-License-Identifier: Apache-2.0
// The meaning of the tree kernels, for every machine.
#include <algorithm>
#include <bit>

#include "codec/bit_reader.h"
#include "codec/dispatch.h"

namespace dcf::impl {
namespace {

uint64_t count_ones(Bytes bytes) {
  const uint8_t* end = bytes.data() + bytes.size();
  uint64_t ones = 0;
  for (const uint8_t* p = bytes.data(); p < end; p += std::min<ptrdiff_t>(8, end - p)) {
    ones += static_cast<unsigned>(std::popcount(load_up_to_8(p, end)));
  }
  return ones;
}

void merge(const uint8_t* bits, size_t m, const uint8_t* left, const uint8_t* right, uint8_t* dst,
           bool) {
  const uint8_t* const end = bits + ceil_div(m, 8);
  for (size_t i = 0; i < m; i += 64, bits += 8) {
    uint64_t word = load_up_to_8(bits, end);
    const size_t count = std::min<size_t>(64, m - i);
    for (size_t j = 0; j < count; ++j, word >>= 1) {
      // Written so that no compiler makes a branch of the unpredictable bit.
      const uint64_t bit = word & 1;
      const uint64_t mask = 0 - bit;
      *dst++ = static_cast<uint8_t>(*left ^ ((*left ^ *right) & mask));
      right += bit;
      left += bit ^ 1;
    }
  }
}

void expand(const uint8_t* bits, const uint8_t* limit, size_t m, unsigned width,
            const uint8_t* symbols, uint8_t* dst, bool) {
  for (; m > 0; bits += width) {
    uint64_t fields = unpack_8(load_up_to_8(bits, limit), width);
    const size_t count = std::min<size_t>(8, m);
    for (size_t j = 0; j < count; ++j, fields >>= 8) *dst++ = symbols[fields & 0xFF];
    m -= count;
  }
}

void partition(const uint8_t* src, size_t m, uint8_t pivot, uint8_t* left, uint8_t* right,
               uint8_t* bits) {
  for (; m > 0; ++bits) {
    const size_t count = std::min<size_t>(8, m);
    unsigned byte = 0;
    for (size_t j = 0; j < count; ++j) {
      const uint8_t v = *src++;
      const bool bit = v >= pivot;
      byte |= unsigned{bit} << j;
      *left = v;
      *right = v;
      left += !bit;
      right += bit;
    }
    *bits = static_cast<uint8_t>(byte);
    m -= count;
  }
}

}  // namespace

const TreeKernels kScalarTreeKernels = {"scalar", count_ones, merge, expand, partition};

}  // namespace dcf::impl
