// SPDX-License-Identifier: Apache-2.0
// An open file. Header, manifest and tables have been read and validated; tensor data is read when
// asked for. Immutable after open(), so any number of threads may use it at once.
#pragma once

#include <functional>
#include <memory>

#include "base/memory_budget.h"
#include "base/parallel.h"
#include "format/layout.h"
#include "io/source.h"
#include "model/scratch_store.h"
#include "model/tables.h"

namespace dcf::impl::model {

// Chunks [first, last) of a tensor.
struct ChunkRange {
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t size() const { return last - first; }
};

class Model {
 public:
  // Checks rules H, M, L, K-01, K-06 and T, in the order of spec section 2.
  static Result<std::unique_ptr<Model>> open(std::unique_ptr<io::Source> source,
                                             const Limits& limits, const Parallel& parallel);

  const format::Header& header() const { return header_; }
  const format::Manifest& manifest() const { return manifest_; }
  const format::Layout& layout() const { return layout_; }
  const Tables& tables() const { return tables_; }
  const io::Source& source() const { return *source_; }
  const Limits& limits() const { return limits_; }
  const Parallel& parallel() const { return parallel_; }

  // The tensor whose data tensor i shares: itself, or the one that it is an alias of.
  size_t data_tensor(size_t i) const {
    const uint64_t target = manifest_->tensors[i].alias_of;
    return target == kNoTensor ? i : static_cast<size_t>(target);
  }

  // If the failure has no offset, sets it to the tensor's first chunk, or to the manifest if the
  // tensor has no chunks. `tensor` is no alias.
  Status in_data(size_t tensor, const Status& s) const;

  // Reads chunk `chunk` of a tensor with data and checks its hash. The bytes are those of the
  // source where it can show them, else in *storage. Failures carry the chunk's offset and the
  // tensor.
  Result<Bytes> read_chunk(size_t tensor, uint64_t chunk, BigVector<uint8_t>* storage) const;
  // Upper bound on what one thread needs to decode these chunks of a tensor with data: scratch,
  // callers' dense buffer and decode tables.
  uint64_t scratch_bytes(size_t tensor, ChunkRange chunks) const;
  uint64_t scratch_bytes(size_t tensor) const {
    return scratch_bytes(tensor, {0, manifest_->tensors[tensor].chunks});
  }
  // The part of it for the decode tables.
  uint64_t table_memory(size_t tensor) const;
  uint64_t encoded_bytes(size_t tensor, ChunkRange chunks) const;
  // The memory that the limit leaves beside the open file itself, and the shares that calls hold.
  uint64_t working_memory() const { return budget_.total(); }
  uint64_t resident_memory() const { return resident_; }
  // A share of it for up to `most` workers; for none if too little is left.
  MemoryShare take_memory(MemoryNeed need, uint64_t most = 1) const;
  // For a worker that has memory for it.
  ScratchLoan lend_scratch() const { return ScratchLoan(&scratches_); }

  // BadCount (K-05) unless all chunks of a tensor with data have as many nonzeros as it declares.
  Status check_nonzeros(size_t tensor, uint64_t counted) const;

  // Calls body(item) for items [0, n), up to `workers` at a time, in ascending order; the failure
  // of the lowest item wins.
  using ItemBody = std::function<Status(size_t item)>;
  Status for_items(size_t n, uint64_t workers, const ItemBody& body) const;

 private:
  explicit Model(format::Manifest manifest) : manifest_(std::move(manifest)) {}

  std::unique_ptr<io::Source> source_;
  Limits limits_;
  Parallel parallel_;
  format::Header header_;
  format::Manifest manifest_;
  format::Layout layout_;
  Tables tables_;
  uint64_t resident_ = 0;  // upper bound on the memory of the above; at most limits_.max_memory
  mutable MemoryBudget budget_;  // the rest of limits_.max_memory
  mutable ScratchStore scratches_{&budget_};
};

}  // namespace dcf::impl::model
