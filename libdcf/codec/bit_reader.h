// SPDX-License-Identifier: Apache-2.0
// Reading LSB-first bit strings (spec section 1) from untrusted bytes of exact size. Bits past the
// end read as zero and are accounted for, so a caller checks once, at the end, instead of per
// field. Not thread-safe; holds no memory of its own.
#pragma once

#include <concepts>

#include "base/bytes.h"
#include "base/checked.h"

namespace dcf::impl::codec {

// The low `width` bits set, 0 <= width <= 64.
inline constexpr uint64_t low_mask(unsigned width) {
  return width == 0 ? 0 : ~uint64_t{0} >> (64 - width);
}

// Eight bytes at p, little-endian. Bytes from `end` on read as zero.
inline uint64_t load_up_to_8(const uint8_t* p, const uint8_t* end) {
  if (end - p >= 8) return load_le<uint64_t>(p);
  uint64_t v = 0;
  for (unsigned i = 0; p < end; ++p, i += 8) v |= uint64_t{*p} << i;
  return v;
}

class BitReader {
 public:
  // Fields of up to this many bits can be peeked at once.
  static constexpr unsigned kMaxPeek = 57;

  explicit BitReader(Bytes bytes) : bytes_(bytes) {}

  // The next bits, at least kMaxPeek of them, the rest zero.
  uint64_t peek() const {
    const uint64_t byte = position_ / 8;
    if (byte >= bytes_.size()) return 0;
    const uint8_t* end = bytes_.data() + bytes_.size();
    return load_up_to_8(bytes_.data() + byte, end) >> (position_ % 8);
  }
  void skip(uint64_t bits) { position_ += bits; }
  // The next field of `width` bits, 0 <= width <= 64.
  uint64_t read(unsigned width) {
    if (width > kMaxPeek) {
      const uint64_t low = read(32);
      return low | read(width - 32) << 32;
    }
    const uint64_t v = peek() & low_mask(width);
    skip(width);
    return v;
  }

  uint64_t position() const { return position_; }
  bool overrun() const { return position_ > 8 * uint64_t{bytes_.size()}; }
  // Bytes touched so far, when nothing was read past the end.
  size_t bytes_used() const { return static_cast<size_t>(ceil_div(position_, 8)); }
  // The bits after the last field in its byte are zero; those past the end are.
  bool padding_is_zero() const {
    const unsigned used = position_ % 8;
    return used == 0 || (peek() & low_mask(8 - used)) == 0;
  }
  // The bit string ended in the last byte, and its padding is zero.
  [[nodiscard]] bool finish() const {
    return !overrun() && bytes_used() == bytes_.size() && padding_is_zero();
  }

 private:
  Bytes bytes_;
  uint64_t position_ = 0;
};

// The low `width` bits (1..8) of each of the eight bytes of x, joined without gaps, and back.
inline constexpr uint64_t pack_8(uint64_t x, unsigned width) {
  x = (x & 0x00FF00FF00FF00FFu) | (x >> 8 & 0x00FF00FF00FF00FFu) << width;
  x = (x & 0x0000FFFF0000FFFFu) | (x >> 16 & 0x0000FFFF0000FFFFu) << (2 * width);
  return (x & 0xFFFFFFFFu) | (x >> 32) << (4 * width);
}
inline constexpr uint64_t unpack_8(uint64_t x, unsigned width) {
  const uint64_t pairs = low_mask(2 * width) * 0x0000000100000001u;
  const uint64_t ones = low_mask(width) * 0x0001000100010001u;
  x = (x & low_mask(4 * width)) | (x >> (4 * width) & low_mask(4 * width)) << 32;
  x = (x & pairs) | (x & pairs << (2 * width)) << (16 - 2 * width);
  return (x & ones) | (x & ones << width) << (8 - width);
}

// The number of bytes of n fields of `width` bits; n < 2^57.
inline constexpr uint64_t packed_size(uint64_t n, unsigned width) {
  return n / 8 * width + ceil_div(n % 8 * width, 8);
}

// Unpacks n = out.size() fields of `width` bits, 0 <= width <= the bits of T. `bytes` holds exactly
// packed_size(n, width) bytes. False if padding is not zero.
template <std::unsigned_integral T>
[[nodiscard]] bool unpack_bits(Bytes bytes, unsigned width, std::span<T> out) {
  size_t i = 0;
  if constexpr (sizeof(T) == 1) {
    const uint8_t* const end = bytes.data() + bytes.size();
    for (const uint8_t* p = bytes.data(); width > 0 && out.size() - i >= 8; i += 8, p += width) {
      store_le(&out[i], unpack_8(load_up_to_8(p, end), width));
    }
  } else if (width <= BitReader::kMaxPeek) {
    const uint64_t mask = low_mask(width);
    for (uint64_t at = 0; i < out.size() && at / 8 + 8 <= bytes.size(); ++i, at += width) {
      out[i] = static_cast<T>(load_le<uint64_t>(&bytes[at / 8]) >> (at % 8) & mask);
    }
  }
  BitReader reader(bytes);
  reader.skip(uint64_t{i} * width);
  for (; i < out.size(); ++i) out[i] = static_cast<T>(reader.read(width));
  return reader.padding_is_zero();
}

}  // namespace dcf::impl::codec
