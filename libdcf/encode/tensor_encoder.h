// SPDX-License-Identifier: Apache-2.0
// One tensor: the choice of its encoding, and its chunks.
#pragma once

#include <functional>
#include <vector>

#include "encode/candidates.h"
#include "encode/encoded_tensor.h"

namespace dcf::impl {

// Receives the bytes of a tensor's chunks in order.
using ConsumeBytes = std::function<Status(Bytes)>;

// The smallest encoding of a tensor, and for each kind of positions the one that is used where all
// tensors have those.
struct Choice {
  std::vector<Candidate> candidates;      // the smallest first; at least one
  std::array<uint8_t, 4> by_positions{};  // index; that of the smallest where they are far larger
};

// Close candidates are compared by what they really take in a file with this tensor alone. What
// others of the file change in that is left to write_file(): it is why not only the smallest is
// returned. `dims`: the shape whose views are tried, of as many elements as the input's. The
// candidates point into `sources`. LimitMemory, Cancelled, OutOfMemory, or the failure of a store.
Result<Choice> choose_encoding(std::vector<Lowered>& sources, const CheckedInput& input,
                               const std::vector<uint64_t>& dims, const Work& work);

// Encodes with the chosen recipe, chunks in parallel, and reports their share of
// [progress_from, progress_to) of the progress. Fails as choose_encoding() and as `consume`.
Result<EncodedTensor> encode_tensor(const Candidate& candidate, const CheckedInput& input,
                                    const std::vector<uint64_t>& dims, const Work& work,
                                    const ConsumeBytes& consume, uint64_t progress_from = 0,
                                    uint64_t progress_to = 0);

}  // namespace dcf::impl
