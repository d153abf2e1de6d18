// SPDX-License-Identifier: Apache-2.0
// Codebooks (spec 5.2): the words of a palette in strictly increasing order of their keys, stored
// as Exp-Golomb coded differences. Keys are those of base/dtype.h; words have 8, 16, 32 or 64 bits
// and are held in the low bits of u64.
#pragma once

#include "base/bytes.h"
#include "base/dtype.h"

namespace dcf::impl::codec {

// Sorts words by key. Equal words stay: append_codebook() refuses them.
void sort_codebook(std::span<uint64_t> words, DType dtype);

// Reads words.size() words (1..256) of a float or integer dtype; T-05, and T-01 where it runs past
// the section.
Status parse_codebook(ByteReader* in, DType dtype, std::span<uint64_t> words);

// Appends the codebook in the order k that makes it smallest (the lowest such k). InvalidArgument
// unless keys are strictly increasing and there is at least one word.
Status append_codebook(std::span<const uint64_t> words, DType dtype, std::vector<uint8_t>* out);

}  // namespace dcf::impl::codec
