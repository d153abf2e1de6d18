// SPDX-License-Identifier: Apache-2.0
// The part of a chunk that says where its entries are, and the signs of skipped zeros.
#pragma once

#include "model/chunk_decoder.h"

namespace dcf::impl {

// Sections 7.1 to 7.4. Fills out->positions; for gap positions leaves the gaps
// in scratch->symbols, and for gap and gap-bucket the entries of each row in scratch->counts.
Status decode_positions(const TensorCoding& coding, ByteReader* in, ChunkScratch* scratch,
                        DecodedChunk* out);
// 7.5, after the values.
Status decode_signs(const TensorCoding& coding, ByteReader* in, ChunkScratch* scratch,
                    DecodedChunk* out);

}  // namespace dcf::impl
