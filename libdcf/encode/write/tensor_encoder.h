// SPDX-License-Identifier: Apache-2.0
// Chooses the encoding of one tensor and encodes its chunks.
#pragma once

#include <functional>
#include <vector>

#include "encode/write/candidates.h"
#include "encode/write/encoded_tensor.h"

namespace dcf::impl::encode {

// Receives the bytes of a tensor's chunks in order.
using ConsumeBytes = std::function<Status(Bytes)>;

// The smallest encoding of a tensor, and for each kind of positions the encoding that is used if
// all tensors of the file have that kind.
struct Choice {
  std::vector<Candidate> candidates;      // the smallest first; at least one
  std::array<uint8_t, 4> by_positions{};  // index into candidates; 0 if the kind is far larger
};

// Candidates of similar size are encoded and compared by their size in a file with this tensor
// alone. Other tensors of the file change the sizes a little; write_file() takes that into account,
// which is why not only the smallest candidate is returned. `dims`: the shape whose views are
// tried, with as many elements as the input's. The candidates point into `sources`. Fails with
// LimitMemory, Cancelled or OutOfMemory, or as a store does.
Result<Choice> choose_encoding(std::vector<Lowered>& sources, const CheckedInput& input,
                               const std::vector<uint64_t>& dims, const Work& work);

// Encodes with the chosen recipe, chunks in parallel, and reports progress from progress_from to
// progress_to. Fails as choose_encoding() and `consume` do.
Result<EncodedTensor> encode_tensor(const Candidate& candidate, const CheckedInput& input,
                                    const std::vector<uint64_t>& dims, const Work& work,
                                    const ConsumeBytes& consume, uint64_t progress_from = 0,
                                    uint64_t progress_to = 0);

}  // namespace dcf::impl::encode
