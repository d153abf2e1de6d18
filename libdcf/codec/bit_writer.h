// SPDX-License-Identifier: Apache-2.0
// Writing LSB-first bit strings (spec section 1) to the end of a byte vector: the inverse of
// bit_reader.h. Not thread-safe.
#pragma once

#include <vector>

#include "codec/bit_reader.h"

namespace dcf::impl::codec {

// The bytes append_varint() writes.
inline constexpr size_t varint_size(uint64_t v) {
  size_t n = 1;
  for (; v >= 0x80; v >>= 7) ++n;
  return n;
}

class BitWriter {
 public:
  explicit BitWriter(std::vector<uint8_t>* out) : out_(out) {}

  // Appends the low `width` bits of v, 0 <= width <= 64; higher bits of v are ignored.
  void put(uint64_t v, unsigned width) {
    v &= low_mask(width);
    pending_ |= v << count_;
    if (count_ + width < 64) {
      count_ += width;
      return;
    }
    append(8);
    const unsigned written = 64 - count_;
    pending_ = written < 64 ? v >> written : 0;
    count_ = width - written;
  }
  // Ends the bit string: the rest of its last byte is zero. The writer can be used for another.
  void finish() {
    append(ceil_div(count_, 8));
    pending_ = 0;
    count_ = 0;
  }

 private:
  void append(size_t bytes) {
    uint8_t raw[8];
    store_le(raw, pending_);
    out_->insert(out_->end(), raw, raw + bytes);
  }

  std::vector<uint8_t>* out_;
  uint64_t pending_ = 0;
  unsigned count_ = 0;  // bits in pending_, below 64
};

inline constexpr unsigned kMaxPackedField = 56;

// Packs fields of at most kMaxPackedField bits into memory that has eight bytes more than they
// need. Faster than BitWriter, because it neither branches nor grows.
class FieldPacker {
 public:
  explicit FieldPacker(uint8_t* out) : out_(out) {}
  // v has no higher bits.
  void put(uint64_t v, unsigned width) {
    pending_ |= v << count_;
    store_le<uint64_t>(out_, pending_);
    count_ += width;
    out_ += count_ / 8;
    pending_ >>= count_ & ~7u;
    count_ %= 8;
  }
  // The end of the bit string; the rest of its last byte is zero.
  const uint8_t* end() const { return out_ + (count_ > 0); }

 private:
  uint8_t* out_;
  uint64_t pending_ = 0;
  unsigned count_ = 0;  // bits of `pending_`, below 8
};

// Appends the fields field(0) .. field(n - 1), unsigned numbers of `width` bits each, 1..64, as one
// bit string. No field has a higher bit. A narrow type makes the loops narrow. joined(i) is kJoined
// of them, from i on, in one number of 64 bits; called where kJoined * width is at most
// kMaxPackedField.
template <size_t kJoined, typename Field, typename Joined>
void pack_fields(size_t n, unsigned width, Field field, Joined joined, std::vector<uint8_t>* out) {
  static_assert(8 % kJoined == 0);
  if (width > kMaxPackedField) {
    BitWriter writer(out);
    for (size_t i = 0; i < n; ++i) writer.put(field(i), width);
    writer.finish();
    return;
  }
  const size_t at = out->size();
  const auto size = static_cast<size_t>(packed_size(n, width));
  out->resize(at + size + sizeof(uint64_t));
  uint8_t* const p = out->data() + at;
  size_t i = 0;
  if (width == 8) {
    for (; i < n; ++i) p[i] = static_cast<uint8_t>(field(i));
  } else if (width == 16) {
    for (; i < n; ++i) store_le<uint16_t>(p + 2 * i, static_cast<uint16_t>(field(i)));
  } else if (width == 24) {
    for (; i < n; ++i) store_le<uint32_t>(p + 3 * i, static_cast<uint32_t>(field(i)));
  } else {
    uint8_t* next = p;
    if (kJoined * width <= kMaxPackedField) {
      // Eight fields fill whole bytes: no group waits for the one before.
      for (; i + 8 <= n; i += 8, next += width) {
        FieldPacker group(next);
        for (size_t j = i; j < i + 8; j += kJoined) group.put(joined(j), kJoined * width);
      }
    }
    FieldPacker packer(next);
    for (; i < n; ++i) packer.put(field(i), width);
  }
  out->resize(at + size);
}

// Appends the low `width` bits of each element as one bit string.
template <std::unsigned_integral T>
void pack_bits(std::span<const T> values, unsigned width, std::vector<uint8_t>* out) {
  const auto field = [&](size_t i) { return values[i] & low_mask(width); };
  pack_fields<2>(
      values.size(), width, field, [&](size_t i) { return field(i) | field(i + 1) << width; }, out);
}

}  // namespace dcf::impl::codec
