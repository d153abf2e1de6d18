// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <exception>
#include <filesystem>

#include "cli/copy_model.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "formats/dcf_error.h"
#include "formats/dcf_writer.h"
#include "formats/output_file.h"
#include "formats/unique_fd.h"

namespace dcf::tools {
namespace {

// The library writes to a file that has no name before it is complete. Where the file system cannot
// do that, a signal must not end the process before the file is removed.
void defer_signals_without_nameless_files(const std::string& output) {
  const std::filesystem::path parent = std::filesystem::path(output).parent_path();
  const std::string directory = parent.empty() ? "." : parent.string();
  const UniqueFd probe(open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  if (!probe.valid() || access("/proc/self/fd", X_OK) != 0) defer_fatal_signals();
}

// Standard output as the library's sink. No exception may cross the library, so it waits here.
struct StdoutSink {
  OutputFile file{"-", false};
  std::exception_ptr failure;

  static int write(void* self, const void* data, size_t size) {
    auto* const sink = static_cast<StdoutSink*>(self);
    try {
      sink->file.write({static_cast<const uint8_t*>(data), size});
      return 0;
    } catch (...) {
      sink->failure = std::current_exception();
      return 1;
    }
  }
};

dcf_writer_options options_of(const OutputOptions& output, const CommonOptions& common) {
  dcf_writer_options options = default_writer_options();
  if (common.max_memory != 0) options.max_memory = common.max_memory;
  options.threads = common.threads;
  options.overwrite = output.force ? 1 : 0;
  return options;
}

// Everything of `source`, but for the end of the file.
void add_model(const ModelSource& source, const EncodePlan& plan, const CommonOptions& common,
               DcfWriter* writer) {
  uint64_t total = 0;
  for (const TensorMeta& tensor : source.tensors()) total += tensor.bytes();
  Progress progress("compressing", total, common.wants_progress());
  uint64_t done = 0;
  for (size_t i = 0; i < source.tensors().size(); ++i) {
    throw_if_interrupted();
    const TensorMeta& tensor = source.tensors()[i];
    writer->add(tensor, source.read(i), plan.options_for(tensor));
    progress.update(done += tensor.bytes());
  }
  for (const auto& [key, value] : source.metadata()) writer->add_metadata(key, value);
  throw_if_interrupted();
}

void write_to_stdout(const ModelSource& source, const EncodePlan& plan, const OutputOptions& output,
                     const CommonOptions& common) {
  StdoutSink out;
  DcfWriter writer(output.path, {sizeof(dcf_sink), &out, StdoutSink::write},
                   options_of(output, common));
  add_model(source, plan, common, &writer);
  try {
    writer.finish();
  } catch (const DcfError&) {
    if (out.failure) std::rethrow_exception(out.failure);  // says more
    throw;
  }
  out.file.commit();
}

}  // namespace

void write_dcf(const ModelSource& source, const EncodePlan& plan, const OutputOptions& output,
               const CommonOptions& common) {
  if (output.path == "-") return write_to_stdout(source, plan, output, common);
  defer_signals_without_nameless_files(output.path);
  DcfWriter writer(output.path, options_of(output, common));
  add_model(source, plan, common, &writer);
  writer.finish();
}

}  // namespace dcf::tools
