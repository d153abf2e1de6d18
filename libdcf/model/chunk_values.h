// SPDX-License-Identifier: Apache-2.0
// The part of a chunk that says what its entries are.
#pragma once

#include "model/chunk_decoder.h"

namespace dcf::impl {

// Section 8, fillers (P-04) and zeros (V-02).
Status decode_values(const TensorCoding& coding, ByteReader* in, ChunkScratch* scratch,
                     ChunkParts* out);

}  // namespace dcf::impl
