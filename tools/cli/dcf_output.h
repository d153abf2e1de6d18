// SPDX-License-Identifier: Apache-2.0
// A .dcf file that is written to a path or to standard output.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>

#include "cli/common_options.h"
#include "formats/dcf_writer.h"
#include "formats/output_file.h"

namespace dcf::tools {

// As the command line has it; the rest are the library's defaults.
dcf_writer_options writer_options_of(const CommonOptions& common);

// Belongs to one thread at a time. Without finish() no file appears.
class DcfOutput {
 public:
  DcfOutput(const OutputOptions& output, const dcf_writer_options& options);
  DcfOutput(std::unique_ptr<OutputFile> file, const dcf_writer_options& options);

  DcfWriter* writer() { return &*writer_; }
  uint64_t bytes() const { return file_->position(); }  // of the file, so far
  // Writes the file and puts it in place. `see` is told how many bytes are written.
  void finish(const std::function<void(uint64_t)>& see = {});

 private:
  static int write(void* self, const void* data, size_t size);

  std::unique_ptr<OutputFile> file_;
  std::function<void(uint64_t)> see_;
  std::exception_ptr failure_;  // no exception may cross the library, so it waits here
  std::optional<DcfWriter> writer_;
};

}  // namespace dcf::tools
