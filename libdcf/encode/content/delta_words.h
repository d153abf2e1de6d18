// SPDX-License-Identifier: Apache-2.0
// Differences of delta values (spec, section 8.5) as a writer needs them. The decoder has code of
// its own.
#pragma once

#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "base/dtype.h"
#include "format/tensor.h"

namespace dcf::impl::encode {

// The key of a word (section 5.2) less that of the word 0, modulo 2^W: keys that are subtracted
// from one another may be these.
template <typename Word>
Word key_above_zero(DType dtype, Word word) {
  return static_cast<Word>(codebook_key(dtype, word) - codebook_key(dtype, 0));
}

// The number of a difference in the bucket code.
template <typename Word>
Word zigzag_of(Word difference) {
  const auto sign = static_cast<Word>(0 - (difference >> (8 * sizeof(Word) - 1)));
  return static_cast<Word>(static_cast<Word>(difference << 1) ^ sign);
}

// The differences of whole rows of a view, the elements from `first` on, whose words are given: of
// elements of 8 bits as they are, of others as numbers of the bucket code.
std::vector<uint64_t> delta_numbers(DType dtype, const format::Encoding& encoding, Bytes predictors,
                                    uint64_t first, uint32_t cols, Bytes words);

}  // namespace dcf::impl::encode
