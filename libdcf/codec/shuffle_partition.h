// SPDX-License-Identifier: Apache-2.0
// The partition of the tree kernels that have shuffles of 16 bytes, for one instruction set.
// Include it after defining what codec/shuffle_lookup.h needs, and also
//   at_least(v, pivot)   bit i = (v[i] >= pivot[i]), unsigned
//   ones_of(byte)        how many of its eight bits are 1
//   part_8(src, byte, left, right)
//                        of eight elements, those whose bit of `byte` is 0 to `left`, the others to
//                        `right`; eight bytes of either are written
#include <type_traits>

namespace dcf::impl::codec {
namespace {

DCF_SHUFFLE_TARGET size_t partition(uint8_t* list, size_t m, uint8_t pivot, uint8_t* right,
                                    uint8_t* bits) {
  constexpr size_t kStep = sizeof(V);
  using Word = std::conditional_t<kStep == 32, uint32_t, uint16_t>;
  const uint8_t* src = list;
  uint8_t* left = list;
  const uint8_t* const rights = right;
  const V pivots = splat(pivot);
  const auto part = [&](unsigned byte) DCF_SHUFFLE_TARGET {
    part_8(src, byte, left, right);
    const size_t ones = ones_of(byte);
    right += ones;
    left += 8 - ones;
    src += 8;
  };
  for (; m >= kStep; m -= kStep, bits += sizeof(Word)) {
    const auto word = static_cast<Word>(at_least(load(src), pivots));
    store_le(bits, word);
    for (size_t done = 0; done < kStep; done += 8) part(word >> done & 0xFF);
  }
  // Elements after the end count as left ones; they are overwritten or lie in the slack.
  const auto word =
      static_cast<Word>(at_least(load(src), pivots) & low_mask(static_cast<unsigned>(m)));
  store_le(bits, word);
  for (size_t done = 0; done < m; done += 8) part(word >> done & 0xFF);
  return static_cast<size_t>(right - rights);
}

}  // namespace
}  // namespace dcf::impl::codec
