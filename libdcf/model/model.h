// SPDX-License-Identifier: Apache-2.0
// An open file: header, manifest and tables are read and proven, tensor data is read when asked
// for. Immutable after open(), so any number of threads may use it at once.
#pragma once

#include <functional>
#include <memory>

#include "base/parallel.h"
#include "format/layout.h"
#include "io/source.h"
#include "model/chunk_decoder.h"
#include "model/tables.h"

namespace dcf::impl {

class Model {
 public:
  // Rules H, M, L, K-01, K-06 and T, in the order of spec section 2.
  static Result<std::unique_ptr<Model>> open(std::unique_ptr<Source> source, const Limits& limits,
                                             const Parallel& parallel);

  const Header& header() const { return header_; }
  const Manifest& manifest() const { return manifest_; }
  const Layout& layout() const { return layout_; }
  const Tables& tables() const { return tables_; }
  const Source& source() const { return *source_; }
  const Limits& limits() const { return limits_; }
  const Parallel& parallel() const { return parallel_; }

  // The tensor whose data tensor i has: itself, or the one it is an alias of.
  size_t data_tensor(size_t i) const {
    const uint64_t target = manifest_.tensors[i].alias_of;
    return target == kNoTensor ? i : static_cast<size_t>(target);
  }

  // A failure that has no place yet, at the start of the data of a tensor with data, or at the
  // manifest where it has none.
  Status in_data(size_t tensor, const Status& s) const;

  // Reads chunk `chunk` of a tensor with data, checks its hash and decodes it. Views in *out are
  // valid until the scratch is used again. Failures carry the chunk's offset and the tensor.
  Status load_chunk(const TensorCoding& coding, size_t tensor, uint64_t chunk,
                    ChunkScratch* scratch, DecodedChunk* out) const;
  // Upper bound on what one thread needs to decode chunks [first, last) of this tensor: scratch,
  // callers' dense buffer and decode tables.
  uint64_t scratch_bytes(size_t tensor, uint64_t first, uint64_t last) const;
  uint64_t scratch_bytes(size_t tensor) const {
    return scratch_bytes(tensor, 0, manifest_.tensors[tensor].chunks);
  }
  // What the memory limit leaves beside the open file itself.
  uint64_t working_memory() const { return limits_.max_memory - resident_; }

  // Calls body(chunk, scratch) for the tensor's chunks [first, last), in parallel as far as the
  // memory limit allows beside the `held` bytes of the caller; the failure of the lowest chunk
  // wins. LimitMemory if not even one fits.
  using ChunkBody = std::function<Status(uint64_t chunk, ChunkScratch* scratch)>;
  Status for_chunks(size_t tensor, uint64_t first, uint64_t last, const ChunkBody& body,
                    uint64_t held = 0) const;

  // The same for n arbitrary items of up to `bytes` of memory each.
  using ItemBody = std::function<Status(size_t item)>;
  Status for_items(size_t n, uint64_t bytes, const ItemBody& body, uint64_t held = 0) const;
  // Threads of for_items() for such items; 0 if not even one fits into the memory limit.
  unsigned threads_for(uint64_t bytes, uint64_t held = 0) const;

 private:
  Model() = default;

  std::unique_ptr<Source> source_;
  Limits limits_;
  Parallel parallel_;
  Header header_;
  Manifest manifest_;
  Layout layout_;
  Tables tables_;
  uint64_t resident_ = 0;  // upper bound on the memory of the above; at most limits_.max_memory
};

}  // namespace dcf::impl
