// SPDX-License-Identifier: Apache-2.0
// The definition of dcf_writer, and what the functions of dcf_write.h have in common.
#pragma once

#include <unistd.h>

#include <memory>

#include "api/file.h"
#include "base/big_vector.h"
#include "dcf/dcf_write.h"
#include "encode/write/file_writer.h"
#include "io/atomic_file.h"

struct dcf_writer {
  std::unique_ptr<dcf::impl::encode::FileWriter> writer;
  std::unique_ptr<dcf::impl::io::AtomicFile> file;  // one of the two is set
  std::unique_ptr<dcf::impl::io::CallbackSink> callback;
  // That which opened it. A child of fork() shares the place in its temporary files.
  pid_t process = ::getpid();
};

namespace dcf::impl::api {

// Borrows from the caller's struct.
Status read_spec(const dcf_tensor_spec* spec, encode::TensorSpec* out);
// Null is the defaults.
Status read_options(const dcf_encode_options* options, encode::EncodeOptions* out);
// `overwrite`: out, unless NULL.
Status read_writer_options(const dcf_writer_options* options, encode::WriterOptions* out,
                           bool* overwrite = nullptr);

// InvalidArgument for NULL, BadState in another process.
Status check_writer(const dcf_writer* writer);

// Runs body(FileWriter&) -> Status, which adds something. After any failure the writer cannot
// finish.
template <typename Body>
dcf_status change(dcf_writer* writer, dcf_error* error, Body body) {
  const dcf_status status = guarded(error, [&]() -> Status {
    DCF_TRY(check_writer(writer));
    return body(*writer->writer);
  });
  if (status != DCF_OK && writer != nullptr) writer->writer->refuse();
  return status;
}

// Tensor `index` of an open file, to be copied under its own name. Borrows the file, and the
// storage, which holds one chunk at a time.
Result<encode::CopySource> copy_source(const dcf_file& file, size_t index,
                                       BigVector<uint8_t>* storage);

}  // namespace dcf::impl::api
