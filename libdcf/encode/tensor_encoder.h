// SPDX-License-Identifier: Apache-2.0
// One tensor: the choice of its encoding, and its chunks.
#pragma once

#include <functional>
#include <vector>

#include "base/parallel.h"
#include "encode/candidates.h"
#include "format/manifest.h"

namespace dcf::impl {

// A tensor as far as it can be known without the others of the file.
struct EncodedTensor {
  Tensor tensor;  // all but table numbers, alias and chunk indices
  std::vector<Chunk> chunks;
  std::array<std::vector<uint8_t>, 4> tables;  // code-length record of each role; empty: none
  std::vector<uint8_t> codebook;               // as stored
  uint64_t payload = 0;                        // bytes of all chunks
};

// Receives the bytes of a tensor's chunks in order.
using ConsumeBytes = std::function<Status(Bytes)>;

// The smallest encoding of a tensor, and for each kind of positions the one that is used where all
// tensors have those.
struct Choice {
  std::vector<Candidate> candidates;      // the smallest first; at least one
  std::array<uint8_t, 4> by_positions{};  // index; that of the smallest where they are far larger
};

// `spec` and `options` are valid. Close candidates are compared by what they really take in a file
// with this tensor alone. What others of the file change in that is left to write_file(): it is why
// not only the smallest is returned.
Choice choose_encoding(const std::vector<Lowered>& sources, const TensorSpec& spec,
                       const EncodeOptions& options, const Parallel& parallel);

// Encodes with the chosen recipe, chunks in parallel. Fails only if `consume` does.
Result<EncodedTensor> encode_tensor(const Candidate& candidate, const TensorSpec& spec,
                                    const Parallel& parallel, const ConsumeBytes& consume);

}  // namespace dcf::impl
