// SPDX-License-Identifier: Apache-2.0
#include "base/count.h"

#include <algorithm>

namespace dcf::impl {
namespace {

// Sums of the width of a word keep as many lanes of a vector busy as it has words. A block is short
// enough for those of a byte.
constexpr size_t kBlockWords = 240;

template <typename T>
uint64_t count(Bytes words, uint64_t mask) {
  uint64_t n = 0;
  const uint8_t* at = words.data();
  for (size_t left = words.size() / sizeof(T); left > 0;) {
    const size_t block = std::min(left, kBlockWords);
    T sum = 0;
    for (size_t i = 0; i < block; ++i) {
      const T word = load_le<T>(at + i * sizeof(T)) & static_cast<T>(mask);
      sum = static_cast<T>(sum + (word != 0));
    }
    n += sum;
    at += block * sizeof(T);
    left -= block;
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
