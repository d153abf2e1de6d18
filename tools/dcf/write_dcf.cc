// SPDX-License-Identifier: Apache-2.0
#include <dcf/dcf_write.h>
#include <fcntl.h>

#include <exception>
#include <filesystem>
#include <memory>
#include <utility>

#include "dcf/copy_model.h"
#include "dcf/progress.h"
#include "dcf/signals.h"
#include "model/output_file.h"
#include "model/unique_fd.h"

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

class Writer {
 public:
  Writer(const OutputOptions& output, const CommonOptions& common) : path_(output.path) {
    dcf_writer_options options;
    dcf_writer_options_init(&options);
    if (common.max_memory != 0) options.max_memory = common.max_memory;
    options.threads = common.threads;
    options.overwrite = output.force ? 1 : 0;
    dcf_writer* writer = nullptr;
    dcf_error error{};
    dcf_status status = DCF_OK;
    if (path_ == "-") {
      stdout_ = std::make_unique<StdoutSink>();
      const dcf_sink sink{stdout_.get(), StdoutSink::write};
      status = dcf_writer_open_sink(&sink, &options, &writer, &error);
    } else {
      defer_signals_without_nameless_files(path_);
      status = dcf_writer_open_path(path_.c_str(), &options, &writer, &error);
    }
    writer_.reset(writer);
    check(status, error);
  }

  void add(const TensorMeta& t, std::span<const uint8_t> data, const dcf_encode_options& options) {
    dcf_tensor_spec spec{};
    spec.struct_size = sizeof spec;
    spec.name = t.name.data();
    spec.name_size = t.name.size();
    spec.dtype = t.dtype;
    if (t.dtype == DCF_OPAQUE) {
      spec.opaque_bits = t.bits;
      spec.opaque_name = t.opaque_name.c_str();
    }
    spec.rank = static_cast<uint32_t>(t.dims.size());
    spec.dims = t.dims.data();
    dcf_error error{};
    const dcf_status status =
        dcf_writer_add_dense(writer_.get(), &spec, data.data(), data.size(), &options, &error);
    check(status, error, t.name);
  }

  void add_metadata(const std::string& key, const std::string& value) {
    dcf_error error{};
    const dcf_status status = dcf_writer_add_metadata(writer_.get(), key.data(), key.size(),
                                                      value.data(), value.size(), &error);
    check(status, error);
  }

  void finish() {
    dcf_error error{};
    const dcf_status status = dcf_writer_finish(writer_.get(), &error);
    if (stdout_ != nullptr && stdout_->failure) std::rethrow_exception(stdout_->failure);
    check(status, error);
    if (stdout_ != nullptr) stdout_->file.commit();
  }

 private:
  struct Closer {
    void operator()(dcf_writer* writer) const { dcf_writer_close(writer); }
  };

  void check(dcf_status status, const dcf_error& error,
             const std::optional<std::string>& tensor = std::nullopt) const {
    if (status == DCF_OK) return;
    DcfFailure failure = make_failure(path_, status, error);
    failure.tensor = tensor;
    throw DcfError(std::move(failure));
  }

  std::string path_;
  std::unique_ptr<StdoutSink> stdout_;
  std::unique_ptr<dcf_writer, Closer> writer_;
};

}  // namespace

void write_dcf(const ModelSource& source, const EncodePlan& plan, const OutputOptions& output,
               const CommonOptions& common) {
  Writer writer(output, common);
  uint64_t total = 0;
  for (const TensorMeta& tensor : source.tensors()) total += tensor.bytes();
  Progress progress("compressing", total, common.wants_progress());
  uint64_t done = 0;
  for (size_t i = 0; i < source.tensors().size(); ++i) {
    throw_if_interrupted();
    const TensorMeta& tensor = source.tensors()[i];
    writer.add(tensor, source.read(i), plan.options_for(tensor));
    progress.update(done += tensor.bytes());
  }
  for (const auto& [key, value] : source.metadata()) writer.add_metadata(key, value);
  throw_if_interrupted();
  writer.finish();
}

}  // namespace dcf::tools
