// SPDX-License-Identifier: Apache-2.0
// One call that decodes chunks of one tensor: its share of the file's memory, the tables and
// codebook, progress, and the count of nonzeros (K-05).
#pragma once

#include <atomic>
#include <memory>

#include "model/chunk_reader.h"

namespace dcf::impl::model {

struct ReadPlan {
  ChunkRange chunks;
  bool whole = true;  // all elements are decoded, so the number of nonzeros is checked
  MemoryNeed beside;  // memory of the caller, besides scratch and decode tables
  const char* too_much = "decoding the tensor takes more than max_memory";  // LimitMemory's message
  DecodeProgress* progress =
      nullptr;  // receives the encoded bytes that are loaded; outlives the reader
};
// All chunks of a tensor.
ReadPlan whole_tensor(const format::Tensor& tensor, DecodeProgress* progress = nullptr);

// Thread-safe where it is const.
class TensorReader {
 public:
  // `data` is a tensor that is no alias. Takes all memory first: LimitMemory if that is too much.
  static Result<std::unique_ptr<TensorReader>> open(const Model& model, size_t data,
                                                    const ReadPlan& plan);

  // The memory that open() takes if no other call takes any; LimitMemory if that is too much.
  static Result<uint64_t> memory(const Model& model, size_t data, const ReadPlan& plan);

  const format::Tensor& tensor() const { return coding().tensor(); }
  const TensorCoding& coding() const { return reader_.coding(); }
  // The most chunks that are decoded at the same time.
  uint64_t workers() const { return share_.workers(); }
  // For a caller that keeps the memory of plan.beside.once. Nothing is decoded afterwards.
  MemoryShare release_once() {
    share_.keep_once();
    return std::move(share_);
  }

  // ChunkReader::load(); adds to the nonzeros.
  Result<DecodedChunk> load(uint64_t chunk, ChunkScratch* scratch,
                            const WordsTarget& target = {}) const;

  // Calls body(chunk, scratch), which loads the chunk once, for all chunks of the plan, several at
  // a time, in ascending order; the failure of the lowest chunk wins. BadCount (K-05) where the
  // plan is for the whole tensor and the nonzeros are not as many as the manifest says.
  using ChunkBody = std::function<Status(uint64_t chunk, ChunkScratch* scratch)>;
  Status for_each_chunk(const ChunkBody& body) const;
  // The same, one after another with one scratch.
  Status for_each_chunk_in_order(const ChunkBody& body) const;
  // For callers with loops of their own, which load each chunk once: makes the same checks at the
  // end of a pass. `s`: the result of the pass.
  Status finish(const Status& s) const;

 private:
  TensorReader(const Model& model, size_t data, const ReadPlan& plan, MemoryShare share);

  const Model& model_;
  size_t data_;
  ChunkRange chunks_;
  bool whole_;
  MemoryShare share_;
  ChunkReader reader_;
  mutable std::atomic<uint64_t> nonzeros_{0};
};

}  // namespace dcf::impl::model
