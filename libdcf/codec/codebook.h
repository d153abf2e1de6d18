// SPDX-License-Identifier: Apache-2.0
// Codebooks (spec 5.2): the words of a palette in strictly increasing order of their keys, stored
// as Exp-Golomb coded differences. Words have 8, 16, 32 or 64 bits and are held in the low bits of
// u64.
#pragma once

#include "base/bytes.h"

namespace dcf::impl {

// How words of a dtype are ordered: floats by value, -0 before +0.
enum class WordOrder : uint8_t { kUnsigned, kSigned, kFloat };

// The key of a word and back; both are bijections on the numbers below 2^width.
uint64_t key_of_word(uint64_t word, unsigned width, WordOrder order);
uint64_t word_of_key(uint64_t key, unsigned width, WordOrder order);

// Sorts words by key. Equal words stay: append_codebook() refuses them.
void sort_codebook(std::span<uint64_t> words, unsigned width, WordOrder order);

// Reads words.size() words (1..256) of `width` bits; T-05, and T-01 where it runs past the section.
Status parse_codebook(ByteReader* in, unsigned width, WordOrder order, std::span<uint64_t> words);

// Appends the codebook in the order k that makes it smallest (the lowest such k). InvalidArgument
// unless keys are strictly increasing and there is at least one word.
Status append_codebook(std::span<const uint64_t> words, unsigned width, WordOrder order,
                       std::vector<uint8_t>* out);

}  // namespace dcf::impl
