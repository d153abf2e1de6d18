// SPDX-License-Identifier: Apache-2.0
#include "cli/copy_model.h"

#include <algorithm>

#include "cli/file_assembler.h"
#include "cli/folder_output.h"
#include "cli/output_checks.h"
#include "cli/piece_copier.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "formats/input_file.h"
#include "formats/text.h"

namespace dcf::tools {

Restored restore_model(const DcfFile& file, const OutputOptions& output, SinkFormat format,
                       const CommonOptions& common) {
  std::vector<TensorMeta> tensors;
  tensors.reserve(file.tensor_count());
  for (size_t i = 0; i < file.tensor_count(); ++i) tensors.push_back(file.meta(i));
  Progress progress("restoring", file.info().dense_bytes, common.progress());
  auto output_file = open_output(output);
  const OutputFile& written = *output_file;
  const auto sink = create_model_sink(std::move(output_file), format, tensors, file.metadata());
  uint64_t done = 0;
  // Pieces are appended in order, so that the sink learns of a tensor with its first one.
  size_t begun = 0;
  const auto append = [&](const Piece& piece) {
    if (piece.is_first) sink->begin_tensor(tensors[sink->order()[begun++]]);
    sink->append(piece.bytes);
    progress.update(done += piece.bytes.size());
  };
  PieceCopier copier(file, append);
  for (const size_t i : sink->order()) copier.copy(i);
  copier.finish();
  sink->finish();
  return {.bytes = written.position(), .files = 1, .same_sha256 = false};
}

Restored restore_originals(const DcfFile& file, const OriginalFiles& originals,
                           const OutputChoice& choice, const OutputOptions& output,
                           const CommonOptions& common) {
  const bool only_main = choice.folder.empty();
  std::vector<std::string> names;
  if (!only_main) {
    for (const LayoutFile& one : originals.files()) names.push_back(one.name);
    names[0] = choice.main_name;
    if (std::find(names.begin() + 1, names.end(), names[0]) != names.end()) {
      throw_failure(quote(output.path), "is the name of another file of the model");
    }
  }
  Restored result;
  Progress progress("restoring", only_main ? originals.files()[0].bytes : originals.bytes(),
                    common.progress());
  const FileAssembler::See see = [&](uint64_t bytes) { progress.update(result.bytes = bytes); };
  FileAssembler assembler(file, originals);
  result.same_sha256 = assembler.is_exact();
  if (only_main) {
    result.files = 1;
    assembler.run(
        true, [&](const LayoutFile& /*one*/) { return open_output(output); }, see);
    return result;
  }
  FolderOutput folder(choice.folder, names, output.force);
  assembler.run(
      false, [&](const LayoutFile& /*one*/) { return folder.create(names[result.files++]); }, see);
  folder.commit();
  return result;
}

void write_tensor(const DcfFile& file, size_t tensor, OutputFile* out) {
  PieceCopier copier(file, [out](const Piece& piece) { out->write(piece.bytes); });
  copier.copy(tensor);
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
