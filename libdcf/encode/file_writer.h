// SPDX-License-Identifier: Apache-2.0
// Tensors and metadata in, a .dcf file out. The bytes of the file depend on what was added and with
// which options, not on the order or the number of threads. Belongs to one thread at a time.
//
// A tensor is encoded when it is added; its payload waits in a spool until finish(), because the
// manifest, which stands before it, is known only then.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/limits.h"
#include "base/parallel.h"
#include "encode/tensor_input.h"
#include "io/sink.h"

namespace dcf::impl {

struct WriterOptions {
  uint64_t max_memory = Limits{}.max_memory;  // besides the caller's inputs
  Parallel parallel;
};

class FileWriter {
 public:
  explicit FileWriter(const WriterOptions& options);
  ~FileWriter();

  // InvalidArgument, UnsupportedDType, DuplicateName, LimitCount, LimitMemory, LimitOutput or a
  // failure of the spool. After a failure the tensor is not part of the file.
  Status add(const TensorInput& input, const EncodeOptions& options);
  // InvalidArgument (not UTF-8, too long) or DuplicateName.
  Status add_metadata(std::string_view key, std::string_view value);
  // Writes the file to `sink`. Callable once; nothing can be added afterwards (BadState).
  Status finish(Sink& sink);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dcf::impl
