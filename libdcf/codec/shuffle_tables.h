// SPDX-License-Identifier: Apache-2.0
// Controls of byte shuffles, shared by the tree kernels that have shuffles of 16 bytes: those of
// x86 (PSHUFB), Arm (TBL) and WebAssembly (swizzle) all give zero for a control above 0x7F.
#pragma once

#include <array>
#include <cstdint>

namespace dcf::impl::codec {

using ShuffleControl = std::array<uint8_t, 16>;

// 16 elements are merged with the one control
//   c = merge_low[first 8 bits] + merge_high[next 8 bits]
// A left element gets the number of left ones before it. A right element gets 0x8F less the number
// of right ones before it: the shuffle of the left list makes that zero, and c ^ 0x8F selects from
// the right list and makes left elements zero.
struct ShuffleTables {
  alignas(64) std::array<ShuffleControl, 256> merge_low;
  alignas(64) std::array<ShuffleControl, 256> merge_high;
  // Of 8 elements: the left ones first, and from byte 8 on the right ones.
  alignas(64) std::array<ShuffleControl, 256> partition;
  alignas(64) std::array<uint8_t, 256> ones;
};

constexpr ShuffleTables make_shuffle_tables() {
  ShuffleTables tables{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned ones = 0;
    for (unsigned i = 0; i < 8; ++i) {
      const bool bit = byte >> i & 1;
      tables.merge_low[byte][i] = static_cast<uint8_t>(bit ? 0x8F - ones : i - ones);
      tables.merge_high[byte][8 + i] = static_cast<uint8_t>(bit ? 0x87 - ones : i - ones);
      tables.partition[byte][bit ? 8 + ones : i - ones] = static_cast<uint8_t>(i);
      ones += bit;
    }
    for (unsigned i = 8; i < 16; ++i) tables.merge_low[byte][i] = static_cast<uint8_t>(8 - ones);
    tables.ones[byte] = static_cast<uint8_t>(ones);
  }
  return tables;
}
inline constexpr ShuffleTables kShuffleTables = make_shuffle_tables();

// 8 fields of 1..7 bits: the two bytes that hold field i, to be multiplied so that the field ends
// at bit 15.
struct FieldLayout {
  alignas(16) std::array<uint8_t, 16> bytes;
  alignas(16) std::array<uint16_t, 8> factor;
};

constexpr std::array<FieldLayout, 8> make_field_layouts() {
  std::array<FieldLayout, 8> layouts{};
  for (unsigned width = 1; width < 8; ++width) {
    for (unsigned i = 0; i < 8; ++i) {
      const unsigned bit = i * width;
      layouts[width].bytes[2 * i] = static_cast<uint8_t>(bit / 8);
      layouts[width].bytes[2 * i + 1] = static_cast<uint8_t>(bit / 8 + 1);
      layouts[width].factor[i] = static_cast<uint16_t>(1u << (16 - width - bit % 8));
    }
  }
  return layouts;
}
inline constexpr std::array<FieldLayout, 8> kFieldLayouts = make_field_layouts();

}  // namespace dcf::impl::codec
