// SPDX-License-Identifier: Apache-2.0
// Writes chunks (spec, sections 6 to 8) once everything about their encoding is decided.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "codec/code_lengths.h"
#include "encode/content/content.h"
#include "encode/content/grid.h"
#include "encode/content/grid_scales.h"
#include "encode/plan/palette.h"

namespace dcf::impl::encode {

// Everything that decides the bytes of a tensor's chunks.
struct Recipe {
  format::Encoding encoding;
  Grid grid;
  std::vector<uint64_t> codebook;                        // palette, dictionary: sorted words
  std::shared_ptr<const WordIndex> dictionary;           // dictionary: the index of each word
  GridScales scales;                                     // grid
  std::vector<uint8_t> predictors;                       // delta: the predictor of each unit
  std::vector<uint8_t> class_map;                        // with classes: the class of each unit
  std::vector<std::optional<codec::CodeLengths>> codes;  // per role of roles_of(encoding)
};

// One that is used for chunk after chunk keeps its memory.
struct EncodedChunk {
  std::vector<uint8_t> bytes;
  uint64_t hash = 0;  // of `bytes`
  uint32_t entries = 0;
  uint32_t nonzeros = 0;                          // as `nonzeros` of the manifest counts them
  std::array<bool, format::kMaxRoles> huffman{};  // the role has a Huffman-coded stream
  std::vector<uint8_t> scratch;                   // of the encoder
};

// Fails only if the pieces of a content cannot be read.
Status encode_chunk(const Content& content, const Recipe& recipe, uint64_t chunk,
                    EncodedChunk* out);

}  // namespace dcf::impl::encode
