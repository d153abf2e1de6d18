// SPDX-License-Identifier: Apache-2.0
#include "cli/write_dcf.h"

#include <atomic>
#include <stdexcept>
#include <thread>

#include "cli/calibration.h"
#include "cli/coding_progress.h"
#include "cli/dcf_output.h"
#include "cli/progress.h"
#include "cli/score_metadata.h"
#include "cli/side_thread.h"
#include "cli/signals.h"
#include "formats/original_files.h"

namespace dcf::tools {

uint64_t most_whole_bytes(const MemoryLimit& limit) {
  // Pieces wait in a temporary file, which only tensors are worth that are large for the limit.
  return limit.bytes() / 4;
}

namespace {

// Runs `add`, which hands tensors of `source` to a writer. Memory that runs short is the matter of
// their file, not of the output, which may have a name that nobody gave.
template <typename Add>
void add_from(const ModelSource& source, const Add& add) {
  try {
    add();
  } catch (const DcfError& error) {
    const DcfFailure& failure = error.failure;
    if (failure.status != DCF_STATUS_LIMIT_MEMORY || !failure.tensor) throw;
    throw DcfError(blame(failure, source.path()));
  }
}

}  // namespace

void add_tensor(const ModelSource& source, size_t i, const dcf_encode_options& options,
                const MemoryLimit& limit, DcfWriter* writer,
                const std::function<void(uint64_t bytes)>& see) {
  throw_if_interrupted();
  const TensorMeta& tensor = source.tensors()[i];
  if (tensor.bytes() <= most_whole_bytes(limit)) {
    add_from(source, [&] { writer->add(tensor, source.read(i), options); });
    see(tensor.bytes());
    return;
  }
  add_from(source, [&] {
    writer->add_pieces(tensor, options, [&](const DcfWriter::Consume& consume) {
      source.read_pieces(i, [&](std::span<const uint8_t> piece) {
        throw_if_interrupted();
        consume(piece);
        see(piece.size());
      });
    });
  });
}

void add_metadata(const ModelSource& source, bool lossy, DcfWriter* writer) {
  for (const auto& [key, value] : source.metadata()) {
    // What a file scored before it lost more is not its score.
    if (!(lossy && is_score_key(key))) writer->add_metadata(key, value);
  }
}

namespace {

// Memory that packing takes is a multiple of what it packs.
constexpr uint64_t kPackedBeside = 64;
// Tensors that are handed to the library at once: what is said of each takes memory.
constexpr size_t kMostGrouped = 4096;

bool has_many_threads(const CommonOptions& common) {
  return (common.threads == 0 ? std::thread::hardware_concurrency() : common.threads) > 1;
}

// Encodes all tensors, several at a time.
class TensorWriter {
 public:
  // `see` is told of every piece that was read, on any thread.
  TensorWriter(const ModelSource& source, const EncodePlan& plan, const CommonOptions& common,
               DcfWriter* writer, const std::function<void(uint64_t bytes)>& see)
      : source_(source), plan_(plan), limit_(common.max_memory), writer_(writer), see_(see) {}

  void add_all() {
    for (size_t i = 0; i < source_.tensors().size(); ++i) {
      const TensorMeta& tensor = source_.tensors()[i];
      const dcf_encode_options options = plan_.options_for(source_, i);
      const bool calibrated = plan_.calibration != nullptr && options.sqnr_db != 0;
      if (!calibrated && tensor.bytes() <= most_whole_bytes(limit_)) {
        group_.push_back({&tensor, options});
        if (group_.size() == kMostGrouped) add_group(i + 1);
        continue;
      }
      add_group(i);
      if (calibrated) {
        add_calibrated(i, options);
      } else {
        add_tensor(source_, i, options, limit_, writer_, see_);
      }
    }
    add_group(source_.tensors().size());
  }

 private:
  // The tensors before `end` that wait.
  void add_group(size_t end) {
    const size_t first = end - group_.size();
    add_from(source_, [&] {
      writer_->add_all(group_, [&](size_t index, std::span<uint8_t> dst) {
        throw_if_interrupted();
        source_.open_tensor(first + index)->read(dst);
        see_(dst.size());
      });
    });
    group_.clear();
  }

  void add_calibrated(size_t i, dcf_encode_options options) {
    Calibration& calibration = *plan_.calibration;
    const std::unique_ptr<HeldMoments> held = calibration.read(i);
    if (held != nullptr) options.moments = &held->moments;
    try {
      add_tensor(source_, i, options, limit_, writer_, see_);
    } catch (const DcfError& error) {
      calibration.throw_if_refused(error.failure, source_.tensors()[i].name);
      throw;
    }
    if (held != nullptr) calibration.note_use(i, held->use);
  }

  const ModelSource& source_;
  const EncodePlan& plan_;
  const MemoryLimit limit_;
  DcfWriter* const writer_;
  const std::function<void(uint64_t)>& see_;
  std::vector<DcfWriter::Tensor> group_;  // the last tensors that were looked at
};

// Calls a function at the end of its scope.
template <typename F>
class AtEnd {
 public:
  explicit AtEnd(F f) : f_(std::move(f)) {}
  ~AtEnd() { f_(); }
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;

 private:
  F f_;
};

std::vector<Section> pack_files(const ModelSource& source, std::span<const Sha256> digests,
                                const CommonOptions& common,
                                const std::function<void(uint64_t)>& see) {
  return pack_original_files(source, digests, MemoryLimit(common.max_memory), [&](uint64_t bytes) {
    throw_if_interrupted();
    see(bytes);
  });
}

void add_sections(const std::vector<Section>& sections, DcfWriter* writer) {
  for (const Section& section : sections) writer->add_section(section.kind, section.bytes);
}

}  // namespace

void add_original_files(const ModelSource& source, std::span<const Sha256> digests,
                        const CommonOptions& common, DcfWriter* writer) {
  if (source.layout() == nullptr) return add_sections(source.sections(), writer);
  Progress progress("keeping the files", source.file_bytes(), common.progress());
  add_sections(pack_files(source, digests, common, [&](uint64_t bytes) { progress.update(bytes); }),
               writer);
}

void write_dcf(const ModelSource& source, const EncodePlan& plan, bool exact_file,
               const OutputOptions& output, const CommonOptions& common) {
  CodingProgress coding;
  dcf_writer_options options = writer_options_of(common);
  options.progress = CodingProgress::coded;
  options.progress_ctx = &coding;
  DcfOutput out(output, options);
  // The files are read and packed beside the tensors, where that takes little memory.
  const FileLayout* const layout = exact_file ? source.layout() : nullptr;
  const bool beside =
      layout != nullptr && has_many_threads(common) &&
      layout->rest_bytes() <= MemoryLimit(common.max_memory).bytes() / kPackedBeside;
  std::vector<Section> sections;
  std::atomic<bool> abandoned{false};
  std::atomic<Progress*> shown{nullptr};  // belongs to the packer from then on
  SideThread packer;
  const AtEnd stop_packing([&] { abandoned = true; });
  if (beside) {
    packer.start([&] {
      sections = pack_files(source, {}, common, [&](uint64_t bytes) {
        if (abandoned) throw std::runtime_error("the file is not written");  // nobody sees this
        if (Progress* const progress = shown) progress->update(bytes);
      });
    });
  }
  uint64_t total = 0;
  for (const TensorMeta& tensor : source.tensors()) total += tensor.bytes();
  coding.start("compressing", total, common.progress());
  const std::function<void(uint64_t)> see = [&](uint64_t bytes) { coding.read(bytes); };
  TensorWriter(source, plan, common, out.writer(), see).add_all();
  coding.stop();
  add_metadata(source, plan.is_lossy(), out.writer());
  throw_if_interrupted();
  if (beside) {
    Progress progress("keeping the files", source.file_bytes(), common.progress());
    shown = &progress;
    packer.wait();
    progress.update(source.file_bytes());
    add_sections(sections, out.writer());
  } else if (exact_file) {
    add_original_files(source, {}, common, out.writer());
  }
  out.finish();
}

}  // namespace dcf::tools
