// SPDX-License-Identifier: Apache-2.0
// From what the caller gave to what is coded: pruning and clustering (Deep Compression, sections 2
// and 3), zeros, codebooks.
#pragma once

#include <vector>

#include "encode/content.h"
#include "encode/tensor_input.h"

namespace dcf::impl {

struct Lowered {
  Content content;
  bool dense_allowed = true;
  bool sparse_allowed = true;
  Fidelity fidelity = Fidelity::kBitExact;
  double error_bound = 0;  // greatest |original - decoded|
};

// What may be written for an input, one or two alternatives. There are two where clustering depends
// on the positions (dcf_write.h: all weights with dense ones, else the nonzeros). A tensor that
// pruning and clustering leave as it is stays lossless; in one that they change every zero becomes
// +0. Of 8 bits one code is kept free for the filler zero: 255 clusters. Pieces are not clustered:
// the writer reads a tensor that is to be clustered into memory. Fails only where pieces cannot be
// read.
Result<std::vector<Lowered>> lower(const CheckedInput& input);

}  // namespace dcf::impl
