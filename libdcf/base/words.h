// SPDX-License-Identifier: Apache-2.0
// Unaligned little-endian words of 8, 16, 32 or 64 bits. The width is part of the type, so that the
// loops over a tensor are compiled once per width.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/dtype.h"

namespace dcf::impl {

template <typename W>
class Words {
 public:
  using Word = W;
  explicit Words(Bytes bytes) : bytes_(bytes) {}
  size_t size() const { return bytes_.size() / sizeof(Word); }
  const uint8_t* at(size_t i) const { return bytes_.data() + i * sizeof(Word); }
  Word operator[](size_t i) const { return load_le<Word>(at(i)); }

 private:
  Bytes bytes_;
};

// Calls visit(Words<...>) for bytes of a dtype of 8, 16, 32 or 64 bits.
template <typename Visit>
auto with_words(DType dtype, Bytes bytes, Visit visit) {
  switch (dtype_bits(dtype)) {
    case 8:
      return visit(Words<uint8_t>(bytes));
    case 16:
      return visit(Words<uint16_t>(bytes));
    case 32:
      return visit(Words<uint32_t>(bytes));
    default:
      return visit(Words<uint64_t>(bytes));
  }
}

// The key by which pruning orders words: in every format, magnitudes order as the bits without the
// sign. NaN is the greatest; the fnuz formats have it where others have -0.
inline uint64_t magnitude_of(DType dtype, uint64_t word) {
  if (is_fnuz(dtype)) return word == 0x80 ? word : word & 0x7F;
  return word & magnitude_mask(dtype);
}

}  // namespace dcf::impl
