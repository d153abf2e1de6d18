// SPDX-License-Identifier: Apache-2.0
// Words as split values have them (spec, section 8.2).
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "base/words.h"
#include "format/tensor.h"

namespace dcf::impl::encode {

// Their symbols, one for each word.
inline void split_symbols(DType dtype, const format::Encoding& encoding, Bytes words,
                          std::vector<uint8_t>* symbols) {
  with_words(dtype, words, [&]<typename Word>(Words<Word> view) {
    const unsigned shift = 8 * sizeof(Word) - encoding.split_t;
    const auto base = static_cast<Word>(encoding.split_base);
    symbols->resize(view.size());
    uint8_t* const to = symbols->data();
    for (size_t i = 0; i < view.size(); ++i) {
      to[i] = static_cast<uint8_t>((std::rotl(view[i], 1) >> shift) - base);
    }
  });
}

// The word with its sign moved to the lowest bit.
inline uint64_t rotate_word(uint64_t word, uint32_t bits) {
  return (word << 1 | word >> (bits - 1)) & ~uint64_t{0} >> (64 - bits);
}

}  // namespace dcf::impl::encode
