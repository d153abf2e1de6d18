// SPDX-License-Identifier: Apache-2.0
// Encodes a tensor range by range, each by itself, so that the chunks of all ranges are those of
// the whole tensor.
#pragma once

#include "encode/plan/tensor_stats.h"
#include "encode/write/tensor_encoder.h"

namespace dcf::impl::encode {

// How a tensor is cut: after any of its chunks but the last.
struct RangePlan {
  Recipe recipe;                // of the whole tensor
  uint64_t chunk_elements = 0;  // of every chunk but the last
  uint64_t chunks = 0;
};

// The encoding that a writer chooses for the tensor, where the statistics of all its values decide
// it. They do for a lossless tensor of more than kTrialElements elements with dense positions: for
// one that is stored raw whatever its values, one that has no zero and one for which the options
// ask for dense positions, unless each row seems to be on a grid. Any other is InvalidArgument: it
// can only be encoded as a whole.
Result<RangePlan> plan_ranges(const TensorSpec& spec, const EncodeOptions& options,
                              const TensorStats& stats, const Work& work);

struct TensorRange {
  uint64_t first = 0;  // element
  Bytes data;
};

// The chunks of a range, and their coding as that of a tensor of rank 1. InvalidArgument where the
// range does not begin and end with chunks, or has values that the statistics lack. Fails as
// encode_tensor(), too.
Result<EncodedTensor> encode_range(const TensorSpec& spec, const EncodeOptions& options,
                                   const TensorStats& stats, const RangePlan& plan,
                                   const TensorRange& range, const Work& work,
                                   const ConsumeBytes& consume);

}  // namespace dcf::impl::encode
