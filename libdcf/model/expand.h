// SPDX-License-Identifier: Apache-2.0
// Entries of a chunk -> dense words.
#pragma once

#include "model/chunk_decoder.h"

namespace dcf::impl::model {

struct Expansion {
  bool to_f32 = false;  // write floats instead of the tensor's dtype; palettes only
  bool stream = false;  // bypass the caches: `out` is part of an output that they cannot hold
};

// Writes all elements of the chunk in view order: shape.elements words of the tensor's width,
// little-endian (raw: the chunk's bytes). `out` has exactly their size and needs no alignment.
void expand_chunk(const TensorCoding& coding, const DecodedChunk& chunk, Expansion how,
                  MutableBytes out);
// Writes codes, as dcf_tensor_decode_codes() of dcf/dcf.h defines them; palettes only.
void expand_codes(const TensorCoding& coding, const DecodedChunk& chunk, bool stream,
                  std::span<uint16_t> out);

// The difference of those codes to the stored ones. With sparse positions they start at 1, as 0 is
// "no entry"; with gap positions the stored ones do too.
inline unsigned code_shift(const format::Encoding& encoding) {
  return encoding.is_sparse() && encoding.positions != format::Positions::kGap ? 1 : 0;
}

// Calls visit(element of the chunk, entry) for each entry that is not a filler, in rising order.
template <typename Visit>
void for_each_entry(const TensorCoding& coding, const DecodedChunk& chunk, Visit visit) {
  const bool sparse = coding.tensor().encoding.is_sparse();
  const bool palette = !chunk->codes.empty();
  const size_t width = coding.word_bytes();
  if (chunk->fillers == 0) {
    for (uint32_t i = 0; i < chunk->shape.entries; ++i) visit(sparse ? chunk->positions[i] : i, i);
    return;
  }
  for (uint32_t i = 0; i < chunk->shape.entries; ++i) {
    const bool filler =
        palette ? chunk->codes[i] == 0 : load_word(chunk->words.data() + i * width, width) == 0;
    if (filler) continue;
    visit(sparse ? chunk->positions[i] : i, i);
  }
}

// The word of entry i.
inline uint64_t entry_word(const TensorCoding& coding, const DecodedChunk& chunk, uint32_t i) {
  if (chunk->codes.empty())
    return load_word(chunk->words.data() + i * coding.word_bytes(), coding.word_bytes());
  return coding.codebook()[chunk->codes[i] - coding.reserved_codes()];
}

}  // namespace dcf::impl::model
