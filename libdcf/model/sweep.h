// SPDX-License-Identifier: Apache-2.0
// One pass over all chunks of many tensors, several chunks at a time, within the memory of the
// file.
#pragma once

#include "model/chunk_reader.h"

namespace dcf::impl::model {

class Sweep {
 public:
  // The tensors are data_of(i) for i < count, none of them an alias. `least`: bytes that the sweep
  // takes of the file's memory at any rate, and has for its caller before and after the pass. The
  // model, data_of and the progress, which counts encoded bytes, outlive it.
  using DataOf = std::function<size_t(size_t i)>;
  Sweep(const Model& model, size_t count, DataOf data_of, uint64_t least, DecodeProgress* progress);

  // Holds what one thread needs at most from first to last, so that no tensor is too large in the
  // middle of the pass: LimitMemory at the tensor that needs most. Before run().
  Status take_memory();
  // Bytes that take_memory() took.
  uint64_t memory() const { return base_; }

  // Loads a chunk of data_of(i) and does with it what the sweep is for. On several threads.
  using Body = std::function<Result<DecodedChunk>(size_t i, const ChunkReader& reader,
                                                  uint64_t chunk, ChunkScratch* scratch)>;
  // The failure of the lowest chunk, in the order of the tensors; else BadCount (K-05) for the
  // first tensor whose nonzeros are not as many as it declares. The same for any number of threads.
  Status run(const Body& body);

 private:
  // Consecutive chunks of one tensor.
  struct Run {
    size_t i;
    uint64_t first;
    uint64_t last;
    uint64_t nonzeros;  // that they have, once they are decoded
  };

  const format::Tensor& tensor(size_t i) const { return model_.manifest()->tensors[data_of_(i)]; }
  uint64_t workers_within_all(uint64_t bytes) const;
  Status decode(std::vector<Run>* runs, uint64_t bytes, const Body& body);
  Status decode(Run* run, const Body& body) const;
  void count(const Run& run);

  const Model& model_;
  const size_t count_;
  const DataOf data_of_;
  DecodeProgress* const progress_;
  uint64_t base_;  // bytes of base_share_
  MemoryShare base_share_;
  uint64_t nonzeros_ = 0;  // so far, of the tensor that is being counted
  Status wrong_count_;     // of the first tensor that has one
};

}  // namespace dcf::impl::model
