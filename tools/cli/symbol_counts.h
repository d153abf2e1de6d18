// SPDX-License-Identifier: Apache-2.0
// What Huffman coding finds in a tensor with a codebook.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "formats/dcf_file.h"

namespace dcf::tools {

// How often each symbol occurs before Huffman coding.
struct SymbolCounts {
  // Empty unless the tensor has a palette. At gap positions symbol 0 is the filler's, and that of
  // a word is its index in the codebook and 1.
  std::vector<uint64_t> codes;
  // Empty unless the tensor has a palette at gap positions.
  std::vector<uint64_t> gaps;
};

// Decodes the codes of tensor i, which take two bytes for each element. Throws DcfError.
SymbolCounts count_symbols(const DcfFile& file, size_t i);

}  // namespace dcf::tools
