// SPDX-License-Identifier: Apache-2.0
// The tree kernels for vectors of 16 bytes, for one instruction set. Include it after defining what
// codec/shuffle_lookup.h needs, and also
//   DCF_SHUFFLE_SET      name of the TreeKernels object to define
//   DCF_SHUFFLE_CPU_SET  its CpuSet
// and for V
//   at_least(v, pivot)   bit i = (v[i] >= pivot[i]), unsigned
//   low_half, high_half  store eight bytes
//   ones_in(v)           its bits that are 1
#include "codec/shuffle_lookup.h"

namespace dcf::impl::codec {
namespace {

DCF_SHUFFLE_TARGET inline size_t ones_of(unsigned byte) {
  return kShuffleTables.ones[byte];
}
DCF_SHUFFLE_TARGET inline void part_8(const uint8_t* src, unsigned byte, uint8_t* left,
                                      uint8_t* right) {
  const V sorted = shuffle(load(src), load(&kShuffleTables.partition[byte]));
  low_half(left, sorted);
  high_half(right, sorted);
}

}  // namespace
}  // namespace dcf::impl::codec

#include "codec/shuffle_partition.h"

namespace dcf::impl::codec {
namespace {

DCF_SHUFFLE_TARGET uint64_t count_ones(Bytes bytes) {
  const uint8_t* p = bytes.data();
  const uint8_t* const end = p + bytes.size();
  uint64_t ones = 0;
  for (; end - p >= 16; p += 16) ones += ones_in(load(p));
  for (; p < end; ++p) ones += kShuffleTables.ones[*p];
  return ones;
}

DCF_SHUFFLE_TARGET inline V merge_16(const uint8_t* bits, const uint8_t* left,
                                     const uint8_t* right) {
  const V control =
      add(load(&kShuffleTables.merge_low[bits[0]]), load(&kShuffleTables.merge_high[bits[1]]));
  return either(shuffle(load(left), control),
                shuffle(load(right), exclusive_or(control, splat(0x8F))));
}

DCF_SHUFFLE_TARGET void merge(const uint8_t* bits, size_t m, const uint8_t* left,
                              const uint8_t* right, uint8_t* dst, bool exact) {
  for (; m >= 16; m -= 16, bits += 2, dst += 16) {
    store(dst, merge_16(bits, left, right));
    const size_t ones = size_t{kShuffleTables.ones[bits[0]]} + kShuffleTables.ones[bits[1]];
    right += ones;
    left += 16 - ones;
  }
  if (m == 0) return;
  const uint8_t last[2] = {bits[0], m > 8 ? bits[1] : uint8_t{0}};
  const V merged = merge_16(last, left, right);
  if (!exact) return store(dst, merged);
  uint8_t rest[16];
  store(rest, merged);
  std::copy_n(rest, m, dst);
}

}  // namespace

const TreeKernels DCF_SHUFFLE_SET = {
    DCF_SHUFFLE_CPU_SET, count_ones, merge, expand, map, partition, kScalarTreeKernels.pack};

}  // namespace dcf::impl::codec
