// SPDX-License-Identifier: Apache-2.0
// The part of a chunk that says what its entries are.
#pragma once

#include "model/chunk_decoder.h"

namespace dcf::impl::model {

// Upper bound on the scratch that the values of an entry take: symbols, codes, numbers, words and
// what a kind of values needs besides.
uint64_t value_scratch_bytes(const format::Tensor& tensor);

// Section 8, fillers (P-04) and zeros (V-02).
Status decode_values(const TensorCoding& coding, ByteReader* in, ChunkScratch* scratch,
                     const WordsTarget& target, ChunkParts* out);

}  // namespace dcf::impl::model
