// SPDX-License-Identifier: Apache-2.0
#include "dcf/copy_model.h"

#include <dcf/dcf_write.h>

#include <memory>
#include <string_view>

#include "dcf/output.h"
#include "dcf/progress.h"

namespace dcf::tools {
namespace {

struct WriterCloser {
  void operator()(dcf_writer* writer) const { dcf_writer_close(writer); }
};

int write_stdout(void*, const void* data, size_t size) {
  print_out(std::string_view(static_cast<const char*>(data), size));
  return 0;
}

std::unique_ptr<dcf_writer, WriterCloser> open_writer(const OutputOptions& output, const CommonOptions& common) {
  dcf_writer_options options;
  dcf_writer_options_init(&options);
  options.max_memory = common.max_memory;
  options.threads = common.threads;
  options.overwrite = output.force ? 1 : 0;
  dcf_error error{};
  dcf_writer* writer = nullptr;
  const dcf_sink sink{nullptr, write_stdout};
  const dcf_status status = output.path == "-" ? dcf_writer_open_sink(&sink, &options, &writer, &error)
                                               : dcf_writer_open_path(output.path.c_str(), &options, &writer, &error);
  if (status != DCF_OK) throw_dcf_error(output.path, status, error, nullptr);
  return std::unique_ptr<dcf_writer, WriterCloser>(writer);
}

uint64_t dense_bytes(const std::vector<TensorMeta>& tensors) {
  uint64_t bytes = 0;
  for (const TensorMeta& t : tensors) bytes += t.bytes();
  return bytes;
}

}  // namespace

void write_dcf(const ModelSource& source, const EncodePlan& plan, const OutputOptions& output,
               const CommonOptions& common) {
  const auto writer = open_writer(output, common);
  Progress progress("compressing", dense_bytes(source.tensors()), common.wants_progress());
  dcf_error error{};
  uint64_t done = 0;
  for (size_t i = 0; i < source.tensors().size(); ++i) {
    const TensorMeta& t = source.tensors()[i];
    const std::vector<uint8_t> data = source.read(i);
    const dcf_tensor_spec spec{sizeof spec,
                               t.name.data(),
                               t.name.size(),
                               t.dtype,
                               t.dtype == DCF_OPAQUE ? t.bits : 0,
                               t.dtype == DCF_OPAQUE ? t.opaque_name.c_str() : nullptr,
                               static_cast<uint32_t>(t.dims.size()),
                               t.dims.data()};
    const dcf_encode_options options = plan.options_for(t);
    const dcf_status status = dcf_writer_add_dense(writer.get(), &spec, data.data(), data.size(), &options, &error);
    if (status != DCF_OK) throw_dcf_error("tensor " + t.name, status, error, nullptr);
    progress.update(done += t.bytes());
  }
  for (const auto& [key, value] : source.metadata()) {
    const dcf_status status =
        dcf_writer_add_metadata(writer.get(), key.data(), key.size(), value.data(), value.size(), &error);
    if (status != DCF_OK) throw_dcf_error("metadata", status, error, nullptr);
  }
  if (const dcf_status status = dcf_writer_finish(writer.get(), &error); status != DCF_OK) {
    throw_dcf_error(output.path, status, error, nullptr);
  }
}

void restore_model(const DcfFile& file, const OutputOptions& output, SinkFormat format, const CommonOptions& common) {
  std::vector<TensorMeta> tensors;
  for (size_t i = 0; i < file.tensor_count(); ++i) tensors.push_back(file.meta(i));
  Progress progress("restoring", dense_bytes(tensors), common.wants_progress());
  const auto sink = create_model_sink(output.path, tensors, file.metadata(), {format, output.force});
  uint64_t done = 0;
  for (const size_t i : sink->order()) {
    sink->begin_tensor(tensors[i]);
    file.decode_pieces(i, [&](std::span<const uint8_t> piece) {
      sink->append(piece);
      progress.update(done += piece.size());
    });
  }
  sink->finish();
}

}  // namespace dcf::tools
