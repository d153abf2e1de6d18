// SPDX-License-Identifier: Apache-2.0
#include "base/count.h"

namespace dcf::impl {
namespace {

template <typename T>
uint64_t count(Bytes words, uint64_t mask) {
  uint64_t n = 0;
  for (size_t i = 0; i + sizeof(T) <= words.size(); i += sizeof(T)) {
    n += (load_le<T>(words.data() + i) & static_cast<T>(mask)) != 0;
  }
  return n;
}

}  // namespace

uint64_t count_masked_words(Bytes words, size_t width, uint64_t mask) {
  switch (width) {
    case 1:
      return count<uint8_t>(words, mask);
    case 2:
      return count<uint16_t>(words, mask);
    case 4:
      return count<uint32_t>(words, mask);
    default:
      return count<uint64_t>(words, mask);
  }
}

}  // namespace dcf::impl
