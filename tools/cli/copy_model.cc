// SPDX-License-Identifier: Apache-2.0
#include "cli/copy_model.h"

#include <algorithm>

#include "cli/output_checks.h"
#include "cli/piece_copier.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "formats/input_file.h"

namespace dcf::tools {

void restore_model(const DcfFile& file, const OutputOptions& output, SinkFormat format,
                   const CommonOptions& common) {
  std::vector<TensorMeta> tensors;
  tensors.reserve(file.tensor_count());
  for (size_t i = 0; i < file.tensor_count(); ++i) tensors.push_back(file.meta(i));
  Progress progress("restoring", file.info().dense_bytes, common.wants_progress());
  const auto sink = create_model_sink(open_output(output), format, tensors, file.metadata());
  uint64_t done = 0;
  // Pieces are appended in order, so that the sink learns of a tensor with its first one.
  size_t begun = 0;
  const PieceCopier::Consume append = [&](const Piece& piece) {
    if (piece.is_first) sink->begin_tensor(tensors[sink->order()[begun++]]);
    sink->append(piece.bytes);
    progress.update(done += piece.bytes.size());
  };
  PieceCopier copier(file);
  for (const size_t i : sink->order()) copier.copy(i, append);
  copier.finish();
  sink->finish();
}

void write_tensor(const DcfFile& file, size_t tensor, OutputFile* out) {
  const PieceCopier::Consume append = [&](const Piece& piece) { out->write(piece.bytes); };
  PieceCopier copier(file);
  copier.copy(tensor, append);
  copier.finish();
}

void copy_as_safetensors(const ModelSource& source, const OutputOptions& output) {
  const auto sink = create_model_sink(open_output(output), SinkFormat::kSafetensors,
                                      source.tensors(), source.metadata());
  for (const size_t i : sink->order()) {
    sink->begin_tensor(source.tensors()[i]);
    source.read_pieces(i, [&](std::span<const uint8_t> piece) {
      throw_if_interrupted();
      sink->append(piece);
    });
  }
  sink->finish();
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
