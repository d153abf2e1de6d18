// SPDX-License-Identifier: Apache-2.0
// What a writer has so far: tensors, metadata and sections, their payload, and the memory that all
// of it takes.
#pragma once

#include <string_view>

#include "base/limits.h"
#include "encode/content/tensor_input.h"
#include "encode/write/file_assembly.h"
#include "io/spool.h"

namespace dcf::impl::encode {

class WriterState {
 public:
  // `max_memory`: bytes that the writer may hold besides the caller's inputs.
  explicit WriterState(uint64_t max_memory);

  FileContents& contents() { return contents_; }
  const FileContents& contents() const { return contents_; }
  io::Spool& spool() { return spool_; }
  const io::Spool& spool() const { return spool_; }

  // DuplicateName or LimitCount.
  Status check_new(std::string_view name) const;
  // Memory that is left beside the spool and what was held.
  uint64_t available() const;
  // Counts bytes that stay until the file is finished: LimitMemory if they do not fit.
  Status hold(uint64_t bytes);
  Status hold(const StoredTensor& tensor);
  static Status too_large();  // the failure of what does not fit
  // Bytes of memory of an entry in a map of strings, besides these.
  static constexpr uint64_t kNodeBytes = 160;

  StoredTensor& stored(const AddedTensor& added) { return contents_.stored[added.stored]; }
  // The index of a new stored tensor.
  size_t keep(StoredTensor tensor);
  // A tensor of this shape, without data yet.
  static AddedTensor describe(const TensorSpec& spec);
  // Adds a tensor whose name is new.
  Status insert(std::string_view name, AddedTensor added);

 private:
  static constexpr uint64_t kMaxSpoolMemory = uint64_t{64} << 20;
  static constexpr uint64_t kSmallThings = 64 << 10;  // histograms, tables, the writer itself

  const uint64_t max_memory_;
  const uint64_t spool_memory_;
  FileContents contents_;
  io::Spool spool_;
  uint64_t resident_ = 0;  // approximate bytes of memory of contents_
};

}  // namespace dcf::impl::encode
