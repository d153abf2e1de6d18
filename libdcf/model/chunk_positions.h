// SPDX-License-Identifier: Apache-2.0
// The part of a chunk that says where its entries are, and the signs of skipped zeros.
#pragma once

#include "model/chunk_decoder.h"

namespace dcf::impl::model {

// Sections 7.1 to 7.4. Fills out->positions. For decode_values() it leaves the gaps of gap
// positions in scratch->symbols, and the number of entries of each row of gap and gap-bucket
// positions in scratch->counts.
Status decode_positions(const TensorCoding& coding, ByteReader* in, ChunkScratch* scratch,
                        ChunkParts* out);
// Section 7.5. The signs follow the values.
Status decode_signs(const TensorCoding& coding, ByteReader* in, ChunkScratch* scratch,
                    ChunkParts* out);

}  // namespace dcf::impl::model
