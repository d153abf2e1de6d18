// SPDX-License-Identifier: Apache-2.0
#include "cli/copy_model.h"

#include <algorithm>

#include "cli/output.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "formats/input_file.h"

namespace dcf::tools {
namespace {

// Calls emit(i, consume) for each tensor in the sink's order; emit hands its bytes to consume.
template <typename Emit>
void write_tensors(ModelSink* sink, const std::vector<TensorMeta>& tensors, const Emit& emit) {
  for (const size_t i : sink->order()) {
    throw_if_interrupted();
    sink->begin_tensor(tensors[i]);
    emit(i, [&](std::span<const uint8_t> piece) { sink->append(piece); });
  }
  sink->finish();
}

}  // namespace

void restore_model(const DcfFile& file, const OutputOptions& output, SinkFormat format,
                   const CommonOptions& common) {
  std::vector<TensorMeta> tensors;
  for (size_t i = 0; i < file.tensor_count(); ++i) tensors.push_back(file.meta(i));
  Progress progress("restoring", file.info().dense_bytes, common.wants_progress());
  const auto sink = create_model_sink(open_output(output), format, tensors, file.metadata());
  uint64_t done = 0;
  write_tensors(sink.get(), tensors, [&](size_t i, const DcfFile::Consume& consume) {
    file.decode_pieces(i, [&](std::span<const uint8_t> piece) {
      throw_if_interrupted();
      consume(piece);
      progress.update(done += piece.size());
    });
  });
}

void copy_as_safetensors(const ModelSource& source, const OutputOptions& output) {
  const auto sink = create_model_sink(open_output(output), SinkFormat::kSafetensors,
                                      source.tensors(), source.metadata());
  write_tensors(sink.get(), source.tensors(),
                [&](size_t i, const DcfFile::Consume& consume) { source.read_pieces(i, consume); });
}

void copy_file(const std::string& from, const OutputOptions& output) {
  constexpr uint64_t kBlockBytes = uint64_t{1} << 20;
  const InputFile in(from);
  const auto out = open_output(output);
  for (uint64_t at = 0; at < in.size(); at += kBlockBytes) {
    throw_if_interrupted();
    out->write(in.read_range(at, std::min(kBlockBytes, in.size() - at)));
  }
  out->commit();
}

}  // namespace dcf::tools
