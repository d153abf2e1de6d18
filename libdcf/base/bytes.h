// SPDX-License-Identifier: Apache-2.0
// Byte views, little-endian loads and stores, and a checked cursor over untrusted bytes. The only
// place in the library that reinterprets memory.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace dcf::impl {

using Bytes = std::span<const uint8_t>;
using MutableBytes = std::span<uint8_t>;

// The bytes of a text, and those of an array of numbers as the machine holds them.
inline Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
template <std::integral T>
Bytes bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()};
}

template <std::integral T>
T load_le(const uint8_t* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  if constexpr (std::endian::native == std::endian::big && sizeof(T) > 1) {
    T swapped = 0;
    for (size_t i = 0; i < sizeof v; ++i)
      swapped = static_cast<T>((swapped << 8) | p[sizeof v - 1 - i]);
    v = swapped;
  }
  return v;
}

template <std::integral T>
void store_le(uint8_t* p, T v) {
  if constexpr (std::endian::native == std::endian::big && sizeof(T) > 1) {
    for (size_t i = 0; i < sizeof v; ++i) p[i] = static_cast<uint8_t>(v >> (8 * i));
  } else {
    std::memcpy(p, &v, sizeof v);
  }
}

// The low `width` bits of a word of 1..8 bytes stored little-endian at p.
inline uint64_t load_word(const uint8_t* p, size_t bytes) {
  switch (bytes) {
    case 1:
      return *p;
    case 2:
      return load_le<uint16_t>(p);
    case 4:
      return load_le<uint32_t>(p);
    default:
      return load_le<uint64_t>(p);
  }
}
inline void store_word(uint8_t* p, size_t bytes, uint64_t v) {
  switch (bytes) {
    case 1:
      *p = static_cast<uint8_t>(v);
      return;
    case 2:
      store_le(p, static_cast<uint16_t>(v));
      return;
    case 4:
      store_le(p, static_cast<uint32_t>(v));
      return;
    default:
      store_le(p, v);
      return;
  }
}

// Forward cursor. Every read is checked; a failed read leaves the cursor where it was.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }

  bool read_u8(uint8_t* out) {
    if (remaining() < 1) return false;
    *out = bytes_[position_++];
    return true;
  }
  bool read_bytes(uint64_t n, Bytes* out) {
    if (n > remaining()) return false;
    *out = bytes_.subspan(position_, static_cast<size_t>(n));
    position_ += static_cast<size_t>(n);
    return true;
  }
  // LEB128 of at most 32 bits, shortest form only.
  bool read_varint(uint32_t* out) {
    uint64_t v = 0;
    for (size_t i = 0; i < 5; ++i) {
      if (i >= remaining()) return false;
      const uint8_t b = bytes_[position_ + i];
      v |= static_cast<uint64_t>(b & 0x7F) << (7 * i);
      if (b < 0x80) {
        if ((b == 0 && i > 0) || v > UINT32_MAX) return false;
        position_ += i + 1;
        *out = static_cast<uint32_t>(v);
        return true;
      }
    }
    return false;
  }

 private:
  Bytes bytes_;
  size_t position_ = 0;
};

inline void append_varint(std::vector<uint8_t>* out, uint32_t v) {
  for (; v >= 0x80; v >>= 7) out->push_back(static_cast<uint8_t>(v | 0x80));
  out->push_back(static_cast<uint8_t>(v));
}

}  // namespace dcf::impl
