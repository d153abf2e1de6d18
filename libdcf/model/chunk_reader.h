// SPDX-License-Identifier: Apache-2.0
// From a verified file to the chunks of one tensor: the one place that reads, checks and decodes
// them.
#pragma once

#include "model/decode_progress.h"
#include "model/model.h"

namespace dcf::impl::model {

// Thread-safe. The model and the progress, which may be null, outlive it.
class ChunkReader {
 public:
  // `data` is a tensor that is no alias.
  ChunkReader(const Model& model, size_t data, DecodeProgress* progress);

  const TensorCoding& coding() const { return coding_; }
  // decode_chunk(). Its views are valid until the scratch is used again. Failures carry the chunk's
  // offset and the tensor; Cancelled if the caller of the progress cancels.
  Result<DecodedChunk> load(uint64_t chunk, ChunkScratch* scratch,
                            const WordsTarget& target = {}) const;

 private:
  const Model& model_;
  const size_t data_;
  const TensorCoding coding_;
  DecodeProgress* const progress_;
};

}  // namespace dcf::impl::model
