// SPDX-License-Identifier: Apache-2.0
#include "cli/write_dcf.h"

#include <exception>
#include <memory>

#include "cli/output_checks.h"
#include "cli/progress.h"
#include "cli/score_metadata.h"
#include "cli/signals.h"
#include "formats/dcf_error.h"
#include "formats/dcf_writer.h"
#include "formats/original_files.h"

namespace dcf::tools {
namespace {

// The output as the library's sink. No exception may cross the library, so it waits here.
struct OutputSink {
  std::unique_ptr<OutputFile> file;
  std::exception_ptr failure;

  static int write(void* self, const void* data, size_t size) {
    auto* const sink = static_cast<OutputSink*>(self);
    try {
      sink->file->write({static_cast<const uint8_t*>(data), size});
      return 0;
    } catch (...) {
      sink->failure = std::current_exception();
      return 1;
    }
  }
};

dcf_writer_options options_of(const CommonOptions& common) {
  dcf_writer_options options = dcf::writer_options();
  if (common.max_memory != 0) options.max_memory = common.max_memory;
  options.threads = common.threads;
  return options;
}

// Everything of `source`, but for the end of the file.
void add_model(const ModelSource& source, const EncodePlan& plan, const CommonOptions& common,
               DcfWriter* writer) {
  uint64_t total = 0;
  for (const TensorMeta& tensor : source.tensors()) total += tensor.bytes();
  Progress progress("compressing", total, common.wants_progress());
  // Pieces wait in a temporary file, which only tensors are worth that are large for the limit.
  const uint64_t whole_bytes = MemoryLimit(common.max_memory).bytes() / 4;
  uint64_t done = 0;
  for (size_t i = 0; i < source.tensors().size(); ++i) {
    throw_if_interrupted();
    const TensorMeta& tensor = source.tensors()[i];
    if (tensor.bytes() <= whole_bytes) {
      writer->add(tensor, source.read(i), plan.options_for(source, i));
      progress.update(done += tensor.bytes());
      continue;
    }
    writer->add_pieces(tensor, plan.options_for(source, i), [&](const DcfWriter::Consume& consume) {
      source.read_pieces(i, [&](std::span<const uint8_t> piece) {
        throw_if_interrupted();
        consume(piece);
        progress.update(done += piece.size());
      });
    });
  }
  for (const auto& [key, value] : source.metadata()) {
    // What a file scored before it lost more is not its score.
    if (!(plan.is_lossy() && is_score_key(key))) writer->add_metadata(key, value);
  }
  throw_if_interrupted();
}

void add_original_files(const ModelSource& source, const CommonOptions& common, DcfWriter* writer) {
  std::vector<Section> sections = source.sections();
  if (source.layout() != nullptr) {
    Progress progress("keeping the files", source.file_bytes(), common.wants_progress());
    sections = pack_original_files(source, MemoryLimit(common.max_memory), [&](uint64_t bytes) {
      throw_if_interrupted();
      progress.update(bytes);
    });
  }
  for (const Section& section : sections) writer->add_section(section.kind, section.bytes);
}

}  // namespace

void write_dcf(const ModelSource& source, const EncodePlan& plan, bool exact_file,
               const OutputOptions& output, const CommonOptions& common) {
  OutputSink out{.file = open_output(output), .failure = {}};
  DcfWriter writer(out.file->path(), {sizeof(dcf_sink), &out, OutputSink::write},
                   options_of(common));
  add_model(source, plan, common, &writer);
  if (exact_file) add_original_files(source, common, &writer);
  try {
    writer.finish();
  } catch (const DcfError&) {
    if (out.failure) std::rethrow_exception(out.failure);  // says more
    throw;
  }
  out.file->commit();
}

}  // namespace dcf::tools
