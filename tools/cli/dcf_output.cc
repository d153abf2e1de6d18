// SPDX-License-Identifier: Apache-2.0
#include "cli/dcf_output.h"

#include <utility>

#include "cli/output_checks.h"
#include "formats/dcf_error.h"

namespace dcf::tools {

dcf_writer_options writer_options_of(const CommonOptions& common) {
  dcf_writer_options options = dcf::writer_options();
  if (common.max_memory != 0) options.max_memory = common.max_memory;
  options.threads = common.threads;
  return options;
}

DcfOutput::DcfOutput(const OutputOptions& output, const dcf_writer_options& options)
    : DcfOutput(open_output(output), options) {}

DcfOutput::DcfOutput(std::unique_ptr<OutputFile> file, const dcf_writer_options& options)
    : file_(std::move(file)) {
  writer_.emplace(file_->path(), dcf_sink{sizeof(dcf_sink), this, write}, options);
}

int DcfOutput::write(void* self, const void* data, size_t size) {
  auto* const output = static_cast<DcfOutput*>(self);
  try {
    output->file_->write({static_cast<const uint8_t*>(data), size});
    if (output->see_) output->see_(output->file_->position());
    return 0;
  } catch (...) {
    output->failure_ = std::current_exception();
    return 1;
  }
}

void DcfOutput::finish(const std::function<void(uint64_t)>& see) {
  see_ = see;
  try {
    writer_->finish();
  } catch (const DcfError&) {
    if (failure_) std::rethrow_exception(failure_);  // says more
    throw;
  }
  file_->commit();
}

}  // namespace dcf::tools
