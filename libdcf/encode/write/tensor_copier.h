// SPDX-License-Identifier: Apache-2.0
// Adds tensors in the encodings that other files have.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "encode/content/write_progress.h"
#include "encode/write/part_index.h"
#include "encode/write/writer_state.h"

namespace dcf::impl::encode {

// A tensor of an open file, as it is stored there.
struct CopySource {
  std::shared_ptr<const void> file;  // identifies the file: equal pointers mean the same file
  uint64_t data = 0;                 // the tensor of that file whose data this one shares
  TensorSpec spec;                   // name and shape of the copy
  EncodedTensor encoded;             // the coding of tensor `data`
  // The bytes of a chunk whose checksum is right; valid until the next call.
  std::function<Result<Bytes>(uint64_t chunk)> read;
};

// A part that is open.
struct PartSource {
  Bytes index;
  uint64_t tensors = 0;  // of the file
  uint64_t payload = 0;  // bytes of all of its chunks
  std::function<Result<CopySource>(size_t tensor)> open;
};

// Belongs to one thread at a time. Borrows both arguments.
class TensorCopier {
 public:
  TensorCopier(WriterState& state, Progress& progress) : state_(state), progress_(progress) {}

  // As FileWriter's functions of these names, in a writer that may be used.
  Status copy(const CopySource& source);
  Status add_part(const PartSource& part);

  // BadState while ranges of a tensor are missing.
  Status check_whole() const;

 private:
  Status add_entry(const PartSource& part, const PartEntry& entry, size_t at, uint64_t* done);
  Status add_range_entry(const CopySource& source, const PartEntry& entry, const TensorSpec& spec,
                         const TensorSize& size, uint64_t* done);
  Result<StoredTensor> store_copy(const CopySource& source);
  Result<StoredEncoding> copy_encoding(const CopySource& source, uint64_t* done);

  WriterState& state_;
  Progress& progress_;
  std::map<std::pair<std::shared_ptr<const void>, uint64_t>, size_t> by_copy_;
  std::unique_ptr<StoredTensor> cut_;  // ranges of a tensor of which the last is missing
};

}  // namespace dcf::impl::encode
