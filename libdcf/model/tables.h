// SPDX-License-Identifier: Apache-2.0
// The tables section (spec/dcf-format.md, section 5): every Huffman code and codebook of a file.
#pragma once

#include <optional>
#include <vector>

#include "codec/code_lengths.h"
#include "format/manifest.h"

namespace dcf::impl::model {

struct Tables {
  std::vector<codec::CodeLengths> codes;  // by table number less one
  // Of all palettes and dictionaries, one after another.
  std::vector<uint64_t> codebook_words;
  // Of all tensors, one after another: the predictors of delta values, then a class map.
  std::vector<uint8_t> unit_maps;
  std::vector<float> scales;              // of all grids, one after another
  std::vector<uint64_t> codebook_starts;  // per tensor: index into codebook_words, or unit_maps
  std::vector<uint64_t> scale_starts;     // per tensor: index into scales; empty without grids
  std::vector<uint32_t> codebook_bytes;   // per tensor: stored bytes of its codebook, scales, maps
  std::vector<uint32_t> code_bytes;       // per tensor: bytes of the codes that it uses first
};

// Upper bound on the memory of the Tables of a valid section, parsing included.
uint64_t tables_memory(const format::ManifestParts& manifest);

// Parses the whole section and checks T-01 to T-05, except the hash of T-01. Offsets in a failure
// are relative to the start of the section.
Result<Tables> parse_tables(Bytes section, const format::ManifestParts& manifest);

}  // namespace dcf::impl::model
