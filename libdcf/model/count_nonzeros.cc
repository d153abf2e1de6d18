// SPDX-License-Identifier: Apache-2.0
#include "model/count_nonzeros.h"

#include "base/count.h"
#include "codec/bit_reader.h"

namespace dcf::impl::model {
namespace {

// Elements of any width, also those that do not fill bytes.
uint64_t count_fields(Bytes dense, uint64_t elements, uint32_t bits) {
  codec::BitReader in(dense);
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

uint64_t count_nonzeros(const format::Tensor& tensor, Bytes dense, uint64_t elements) {
  const uint64_t mask = is_raw_only(tensor.dtype) ? ~uint64_t{0} : magnitude_mask(tensor.dtype);
  const uint32_t bits = tensor.bits;
  if (bits != 8 && bits != 16 && bits != 32 && bits != 64)
    return count_fields(dense, elements, bits);
  return count_masked_words(dense.first(elements * (bits / 8)), bits / 8, mask);
}

}  // namespace dcf::impl::model
