// SPDX-License-Identifier: Apache-2.0
// One stream of a tensor before it is written: its table, and its bytes over all chunks.
#pragma once

#include <optional>

#include "codec/bit_reader.h"
#include "codec/codebook.h"
#include "codec/stream.h"

namespace dcf::impl::encode {

struct StreamPlan {
  std::optional<codec::CodeLengths> code;  // nothing: no table pays
  uint64_t bytes = 0;                      // mode bytes, data, and the record of the table
};

// The cheapest plan for symbols of an alphabet that are spread over `chunks` > 0 chunks. The size
// is exact for one chunk, except for huffman-streams (stream.h), and close otherwise.
//
// Codes have up to 12 bits: a limit of 11 makes clustered SqueezeNet 0.13 %, dense LeNets 0.05 %
// and the paper's storage of a Gaussian layer 0.07 % larger, and nothing more than 2 bytes smaller.
// Every tensor has its own tables: letting small ones share those of 16 others saved only 0.01 % of
// SqueezeNet, at most 0.2 % of the LeNets and 0.26 % of 2,000 tensors of a few hundred weights.
StreamPlan plan_stream(const codec::Histogram& histogram, unsigned alphabet, uint64_t chunks);

}  // namespace dcf::impl::encode
