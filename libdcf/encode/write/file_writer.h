// SPDX-License-Identifier: Apache-2.0
// Tensors, metadata and sections in, a .dcf file out. The bytes of the file depend on what was
// added and with which options, not on the order, the pieces of a tensor or the number of threads.
// Belongs to one thread at a time.
//
// A tensor is encoded when it is added or ended; its payload waits in a spool until finish(),
// because the manifest precedes it in the file but is known only then.
//
// After any failure of a call that adds something the writer is broken: finish() and all further
// additions return BadState. (Arguments are checked first: a bad one is still InvalidArgument.)
#pragma once

#include <memory>
#include <string>

#include "base/limits.h"
#include "base/parallel.h"
#include "encode/content/tensor_input.h"
#include "encode/content/write_progress.h"
#include "encode/plan/tensor_stats.h"
#include "encode/write/tensor_copier.h"
#include "encode/write/tensor_queue.h"
#include "io/sink.h"

namespace dcf::impl::encode {

struct WriterOptions {
  uint64_t max_memory = Limits{}.max_memory;  // besides the caller's inputs
  Parallel parallel;
  Progress progress;
  bool part = false;  // finish() writes a part of a larger file (encode/write/part_index.h)
};

class FileWriter {
 public:
  explicit FileWriter(const WriterOptions& options);
  ~FileWriter();

  // Adds a tensor. Fails with InvalidArgument, UnsupportedDType, DuplicateName, LimitCount,
  // LimitMemory, LimitOutput, Cancelled, OutOfMemory, BadState, or as the spool; so do the other
  // additions of a tensor.
  Status add(const TensorInput& input, const EncodeOptions& options);

  // Adds dense tensors as add() would, one after the other, with several in progress at a time. The
  // status of a failure has the index of the tensor.
  Status add_all(size_t count, const FindSource& find);

  // Adds a dense tensor in pieces: its bytes, row-major, in any number of pieces cut anywhere. The
  // file is the same as after add() of all bytes. LimitMemory at the start if the tensor is to be
  // clustered and does not fit in memory.
  Status begin_tensor(const TensorSpec& spec, const EncodeOptions& options);
  Status write_piece(Bytes bytes);  // InvalidArgument: more bytes than the tensor has
  Status end_tensor();              // InvalidArgument: fewer bytes than the tensor has

  // Adds a copy of payload and coding. A tensor whose data were copied from the same file before
  // becomes an alias.
  Status copy(const CopySource& source);

  // Adds a range of a tensor, for a part: the elements from `first` on, a border of chunks, which
  // `data` holds up to another such border or the end. `stats` are those of the whole tensor.
  // BadState in a writer of no part. InvalidArgument where the range is none, the data are not
  // among the statistics, or these do not decide the encoding (encode/write/range_encoder.h).
  Status add_range(const TensorSpec& spec, const EncodeOptions& options, const TensorStats& stats,
                   uint64_t first, Bytes data);

  // Adds all tensors of a part, in the encodings that it has. The ranges of a tensor must follow
  // each other in order, with nothing between them; BadState otherwise.
  Status add_part(const PartSource& part);

  // Adds a tensor with the data of one that was added before, which its caller knows to be the
  // same: NotFound where there is no `target`; InvalidArgument where it has another dtype or number
  // of elements, or another shape and the higher name.
  Status add_alias(const TensorSpec& spec, std::string_view target);

  // InvalidArgument (not UTF-8, too long), DuplicateName or LimitMemory.
  Status add_metadata(std::string_view key, std::string_view value);
  // Adds an ancillary section, which readers may skip. InvalidArgument for kinds that the format
  // reserves or does not have; UnsupportedSection for the critical bit, which no reader knows yet.
  Status add_section(uint32_t kind, Bytes bytes);

  // Breaks the writer, because its caller refused an argument.
  void refuse();

  // Writes the file to `sink`. Callable once; nothing can be added afterwards (BadState).
  Status finish(io::Sink& sink);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dcf::impl::encode
