// SPDX-License-Identifier: Apache-2.0
// One call that decodes chunks of one tensor: its share of the file's memory, what the chunks are
// decoded with, progress, and the count of nonzeros (K-05).
#pragma once

#include <atomic>
#include <memory>

#include "model/decode_progress.h"
#include "model/model.h"

namespace dcf::impl {

struct ReadPlan {
  ChunkRange chunks;
  bool whole = true;  // all elements are wanted: their nonzeros are checked
  MemoryNeed beside;  // what the caller takes beside scratch and decode tables
  const char* too_much = "decoding the tensor takes more than max_memory";  // LimitMemory's message
  DecodeProgress* progress =
      nullptr;  // gets the encoded bytes that are loaded; outlives the reader
};
// All chunks of a tensor.
ReadPlan whole_tensor(const Tensor& tensor, DecodeProgress* progress = nullptr);

// Thread-safe where it is const.
class TensorReader {
 public:
  // `data` has the data, it is no alias. Takes all memory first: LimitMemory if that is too much.
  static Result<std::unique_ptr<TensorReader>> open(const Model& model, size_t data,
                                                    const ReadPlan& plan);

  // What open() takes if no other call takes memory; LimitMemory if that is too much.
  static Result<uint64_t> memory(const Model& model, size_t data, const ReadPlan& plan);

  const Tensor& tensor() const { return coding_.tensor(); }
  const TensorCoding& coding() const { return coding_; }
  // Chunks that may be decoded at the same time.
  uint64_t workers() const { return share_.workers(); }
  // For a caller that keeps what it planned to take once. Nothing is decoded afterwards.
  MemoryShare release_once() {
    share_.keep_once();
    return std::move(share_);
  }

  // Model::load_chunk(), counted. Cancelled where the caller wants it.
  Status load(uint64_t chunk, ChunkScratch* scratch, DecodedChunk* out) const;

  // Calls body(chunk, scratch), which loads the chunk once, for all chunks of the plan, several at
  // a time, in ascending order; the failure of the lowest chunk wins. BadCount (K-05) where the
  // plan is for the whole tensor and the nonzeros are not as many as the manifest says.
  using ChunkBody = std::function<Status(uint64_t chunk, ChunkScratch* scratch)>;
  Status for_each_chunk(const ChunkBody& body) const;
  // The same, one after another with one scratch.
  Status for_each_chunk_in_order(const ChunkBody& body) const;
  // For callers with loops of their own, which load each chunk once: the same checks at the end of
  // a pass that came to the result `s`.
  Status finish(const Status& s) const;

 private:
  TensorReader(const Model& model, size_t data, const ReadPlan& plan, MemoryShare share);

  const Model& model_;
  size_t data_;
  ChunkRange chunks_;
  bool whole_;
  MemoryShare share_;
  TensorCoding coding_;
  DecodeProgress* progress_;
  mutable std::atomic<uint64_t> nonzeros_{0};
};

}  // namespace dcf::impl
