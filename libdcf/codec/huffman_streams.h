// SPDX-License-Identifier: Apache-2.0
// The huffman-streams layout (spec 9.1): one bit string, or from 64 symbols on four that decode
// side by side. A table lookup yields up to four symbols; whole batches run without bounds checks,
// because their worst case is known to fit, and the end of each bit string is checked exactly.
#pragma once

#include "codec/code_lengths.h"

namespace dcf::impl::codec {

// From this many symbols on a plane is stored as four bit strings.
inline constexpr size_t kFourStreams = 64;

// Indexed by the next `index_bits` bits of a bit string; 32 KiB. Immutable once built.
struct StreamsTable {
  // Symbols, their number, and bits; huffman_streams.cc says where each is.
  std::array<uint64_t, size_t{1} << kMaxCodeLength> entries;
  unsigned index_bits;
};

// For about so many symbols: few are decoded sooner than a table of full width is built.
void build_streams_table(const CodeLengths& code, size_t symbols, StreamsTable* table);

// Decodes out.size() > 0 symbols and takes exactly their bytes from `in`; S-02, S-03. `out` is
// unspecified after a failure.
Status decode_huffman_streams(ByteReader* in, const StreamsTable& table, MutableBytes out);

// The bytes encode_huffman_streams() appends for these symbols; all must have a code.
uint64_t huffman_streams_size(Bytes symbols, const CodeLengths& code);
void encode_huffman_streams(Bytes symbols, const CodeLengths& code, std::vector<uint8_t>* out);

}  // namespace dcf::impl::codec
