// SPDX-License-Identifier: Apache-2.0
#include "cli/write_dcf.h"

#include "cli/dcf_output.h"
#include "cli/progress.h"
#include "cli/score_metadata.h"
#include "cli/signals.h"
#include "formats/original_files.h"

namespace dcf::tools {

uint64_t most_whole_bytes(const MemoryLimit& limit) {
  // Pieces wait in a temporary file, which only tensors are worth that are large for the limit.
  return limit.bytes() / 4;
}

void add_tensor(const ModelSource& source, size_t i, const dcf_encode_options& options,
                const MemoryLimit& limit, DcfWriter* writer,
                const std::function<void(uint64_t bytes)>& see) {
  throw_if_interrupted();
  const TensorMeta& tensor = source.tensors()[i];
  if (tensor.bytes() <= most_whole_bytes(limit)) {
    writer->add(tensor, source.read(i), options);
    see(tensor.bytes());
    return;
  }
  writer->add_pieces(tensor, options, [&](const DcfWriter::Consume& consume) {
    source.read_pieces(i, [&](std::span<const uint8_t> piece) {
      throw_if_interrupted();
      consume(piece);
      see(piece.size());
    });
  });
}

void add_metadata(const ModelSource& source, bool lossy, DcfWriter* writer) {
  for (const auto& [key, value] : source.metadata()) {
    // What a file scored before it lost more is not its score.
    if (!(lossy && is_score_key(key))) writer->add_metadata(key, value);
  }
}

void add_original_files(const ModelSource& source, std::span<const Sha256> digests,
                        const CommonOptions& common, DcfWriter* writer) {
  std::vector<Section> sections = source.sections();
  if (source.layout() != nullptr) {
    Progress progress("keeping the files", source.file_bytes(), common.progress());
    sections =
        pack_original_files(source, digests, MemoryLimit(common.max_memory), [&](uint64_t bytes) {
          throw_if_interrupted();
          progress.update(bytes);
        });
  }
  for (const Section& section : sections) writer->add_section(section.kind, section.bytes);
}

void write_dcf(const ModelSource& source, const EncodePlan& plan, bool exact_file,
               const OutputOptions& output, const CommonOptions& common) {
  DcfOutput out(output, writer_options_of(common));
  uint64_t total = 0;
  for (const TensorMeta& tensor : source.tensors()) total += tensor.bytes();
  {
    Progress progress("compressing", total, common.progress());
    uint64_t done = 0;
    for (size_t i = 0; i < source.tensors().size(); ++i) {
      add_tensor(source, i, plan.options_for(source, i), MemoryLimit(common.max_memory),
                 out.writer(), [&](uint64_t bytes) { progress.update(done += bytes); });
    }
  }
  add_metadata(source, plan.is_lossy(), out.writer());
  throw_if_interrupted();
  if (exact_file) add_original_files(source, {}, common, out.writer());
  out.finish();
}

}  // namespace dcf::tools
