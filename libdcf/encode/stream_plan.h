// SPDX-License-Identifier: Apache-2.0
// One stream of a tensor before it is written: its table, and the bytes it takes over all chunks.
#pragma once

#include <optional>

#include "codec/bit_reader.h"
#include "codec/codebook.h"
#include "codec/stream.h"

namespace dcf::impl {

struct StreamPlan {
  std::optional<CodeLengths> code;  // nothing: no table pays
  uint64_t bytes = 0;               // mode bytes, data, and the record of the table
};

// The cheapest plan for symbols of an alphabet that are spread over `chunks` > 0 chunks. Exact for
// one chunk but for huffman-streams (stream.h), close otherwise.
//
// Codes have up to 12 bits. A limit of 11 was measured: 0.04 to 0.1 % larger on the networks of the
// benchmark set, and never smaller by more than two bytes of table.
StreamPlan plan_stream(const Histogram& histogram, unsigned alphabet, uint64_t chunks);

}  // namespace dcf::impl
