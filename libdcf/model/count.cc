// SPDX-License-Identifier: Apache-2.0
#include "model/count.h"

#include "codec/bit_reader.h"

namespace dcf::impl {
namespace {

template <typename T>
uint64_t count_words(Bytes dense, uint64_t elements, uint64_t mask) {
  uint64_t n = 0;
  for (uint64_t i = 0; i < elements; ++i) {
    n += (load_le<T>(dense.data() + i * sizeof(T)) & static_cast<T>(mask)) != 0;
  }
  return n;
}

// Elements of any width, also those that do not fill bytes.
uint64_t count_fields(Bytes dense, uint64_t elements, uint32_t bits) {
  BitReader in(dense);
  uint64_t n = 0;
  for (uint64_t i = 0; i < elements; ++i) {
    uint64_t any = 0;
    for (uint32_t left = bits; left > 0;) {
      const uint32_t take = left < 32 ? left : 32;
      any |= in.read(take);
      left -= take;
    }
    n += any != 0;
  }
  return n;
}

}  // namespace

uint64_t count_nonzeros(const Tensor& tensor, Bytes dense, uint64_t elements) {
  const uint64_t mask = is_raw_only(tensor.dtype) ? ~uint64_t{0} : magnitude_mask(tensor.dtype);
  switch (tensor.bits) {
    case 8: return count_words<uint8_t>(dense, elements, mask);
    case 16: return count_words<uint16_t>(dense, elements, mask);
    case 32: return count_words<uint32_t>(dense, elements, mask);
    case 64: return count_words<uint64_t>(dense, elements, mask);
    default: return count_fields(dense, elements, tensor.bits);
  }
}

}  // namespace dcf::impl
