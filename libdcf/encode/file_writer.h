// SPDX-License-Identifier: Apache-2.0
// Tensors, metadata and sections in, a .dcf file out. The bytes of the file depend on what was
// added and with which options, not on the order, the pieces of a tensor or the number of threads.
// Belongs to one thread at a time.
//
// A tensor is encoded when it is added or ended; its payload waits in a spool until finish(),
// because the manifest, which stands before it, is known only then.
//
// After any failure of a call that adds something the writer is broken: finish() and all further
// additions are BadState. (Arguments are checked first: a bad one is InvalidArgument then too.)
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/limits.h"
#include "base/parallel.h"
#include "encode/encoded_tensor.h"
#include "encode/tensor_input.h"
#include "encode/write_progress.h"
#include "io/sink.h"

namespace dcf::impl {

struct WriterOptions {
  uint64_t max_memory = Limits{}.max_memory;  // besides the caller's inputs
  Parallel parallel;
  Progress progress;
};

// A tensor of an open file as it is stored there.
struct CopySource {
  std::shared_ptr<const void> file;  // of its file; the same pointer means the same file
  uint64_t data = 0;                 // the tensor of that file whose data this one has
  TensorSpec spec;                   // as it is to be named and shaped
  EncodedTensor encoded;             // of `data`
  // The bytes of a chunk whose checksum is right; valid until the next call.
  std::function<Result<Bytes>(uint64_t chunk)> read;
};

class FileWriter {
 public:
  explicit FileWriter(const WriterOptions& options);
  ~FileWriter();

  // InvalidArgument, UnsupportedDType, DuplicateName, LimitCount, LimitMemory, LimitOutput,
  // Cancelled, OutOfMemory, BadState, or a failure of the spool; so all that follow.
  Status add(const TensorInput& input, const EncodeOptions& options);

  // A dense tensor in pieces: its bytes, row-major, in any number of pieces cut anywhere. The file
  // is the one that add() of all bytes gives. LimitMemory at the start if the tensor is to be
  // clustered and does not fit the memory.
  Status begin_tensor(const TensorSpec& spec, const EncodeOptions& options);
  Status write_piece(Bytes bytes);  // InvalidArgument: more bytes than the tensor has
  Status end_tensor();              // InvalidArgument: fewer bytes than the tensor has

  // Copies payload and coding. A tensor whose data were copied from the same file before becomes an
  // alias.
  Status copy(const CopySource& source);

  // InvalidArgument (not UTF-8, too long), DuplicateName or LimitMemory.
  Status add_metadata(std::string_view key, std::string_view value);
  // An ancillary section that readers may skip. InvalidArgument for kinds that the format reserves
  // or does not have, UnsupportedSection for the critical bit, which no reader knows yet.
  Status add_section(uint32_t kind, Bytes bytes);

  // Breaks the writer: its caller refused an argument.
  void refuse();

  // Writes the file to `sink`. Callable once; nothing can be added afterwards (BadState).
  Status finish(Sink& sink);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dcf::impl
