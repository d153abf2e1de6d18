// SPDX-License-Identifier: Apache-2.0
#include "cli/write_dcf.h"

#include <atomic>
#include <stdexcept>
#include <thread>

#include "cli/calibration.h"
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

namespace {

// Memory that packing takes is a multiple of what it packs.
constexpr uint64_t kPackedBeside = 64;
// A tensor that is read while the one before is encoded is a smaller part of the memory.
constexpr uint64_t kReadAhead = 16;

bool has_many_threads(const CommonOptions& common) {
  return (common.threads == 0 ? std::thread::hardware_concurrency() : common.threads) > 1;
}

// Encodes all tensors. The next one is read while one is encoded, where threads and memory allow.
class TensorWriter {
 public:
  TensorWriter(const ModelSource& source, const EncodePlan& plan, const CommonOptions& common,
               DcfWriter* writer)
      : source_(source),
        plan_(plan),
        limit_(common.max_memory),
        most_ahead_(has_many_threads(common) ? limit_.bytes() / kReadAhead : 0),
        writer_(writer) {}

  void add_all(const std::function<void(uint64_t)>& see) {
    for (size_t i = 0; i < source_.tensors().size(); ++i) {
      const dcf_encode_options options = plan_.options_for(source_, i);
      if (plan_.calibration == nullptr || options.sqnr_db == 0) {
        add(i, options, see);
      } else {
        add_calibrated(i, options, see);
      }
    }
  }

 private:
  void add(size_t i, const dcf_encode_options& options, const std::function<void(uint64_t)>& see) {
    if (!is_ahead(i)) {
      read_ahead(i + 1);
      add_tensor(source_, i, options, limit_, writer_, see);
      return;
    }
    throw_if_interrupted();
    reader_.wait();
    const std::vector<uint8_t> data = std::move(ahead_);
    read_ahead(i + 1);
    writer_->add(source_.tensors()[i], data, options);
    see(data.size());
  }

  void add_calibrated(size_t i, dcf_encode_options options,
                      const std::function<void(uint64_t)>& see) {
    Calibration& calibration = *plan_.calibration;
    const std::unique_ptr<HeldMoments> held = calibration.read(i);
    if (held != nullptr) options.moments = &held->moments;
    try {
      add(i, options, see);
    } catch (const DcfError& error) {
      calibration.throw_if_refused(error.failure, source_.tensors()[i].name);
      throw;
    }
    if (held != nullptr) calibration.note_use(i, held->use);
  }

  bool is_ahead(size_t i) const { return ahead_of_ == i; }
  void read_ahead(size_t i) {
    ahead_of_ = SIZE_MAX;
    if (i >= source_.tensors().size() || source_.tensors()[i].bytes() > most_ahead_ ||
        source_.tensors()[i].bytes() < kWorthAThread) {
      return;
    }
    ahead_of_ = i;
    reader_.start([this, i] { ahead_ = source_.read(i); });
  }

  static constexpr uint64_t kWorthAThread = uint64_t{512} << 10;

  const ModelSource& source_;
  const EncodePlan& plan_;
  const MemoryLimit limit_;
  const uint64_t most_ahead_;
  DcfWriter* const writer_;
  std::vector<uint8_t> ahead_;
  size_t ahead_of_ = SIZE_MAX;  // the tensor that `ahead_` holds, or will
  SideThread reader_;
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
  DcfOutput out(output, writer_options_of(common));
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
  {
    Progress progress("compressing", total, common.progress());
    uint64_t done = 0;
    TensorWriter(source, plan, common, out.writer()).add_all([&](uint64_t bytes) {
      progress.update(done += bytes);
    });
  }
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
