// SPDX-License-Identifier: Apache-2.0
#include "model/verify.h"

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "model/sweep.h"

namespace dcf::impl::model {
namespace {

constexpr uint64_t kSectionBlock = uint64_t{64} << 10;

// Of tensors [first, last) of a file.
class Verifier {
 public:
  Verifier(const Model& model, size_t first, size_t last, ProgressStep progress, uint64_t total)
      : model_(model),
        tensors_(model.manifest()->tensors),
        first_(first),
        last_(last),
        progress_(std::move(progress), total),
        sweep_(
            model, last - first, [first](size_t i) { return first + i; }, block_of_sections(),
            &progress_) {}

  Status run() {
    DCF_TRY(sweep_.take_memory());
    DCF_TRY(sweep_.run([](size_t, const ChunkReader& reader, uint64_t chunk,
                          ChunkScratch* scratch) { return reader.load(chunk, scratch); }));
    for (size_t i = first_; i < last_; ++i) DCF_TRY(check_padding(i));
    return ok_status();
  }

  Status check_sections() {
    std::vector<uint8_t> block(std::min(block_of_sections(), sweep_.memory()));
    for (size_t i = 0; i < model_.manifest()->sections.size(); ++i) {
      const format::Section& section = model_.manifest()->sections[i];
      const uint64_t offset = model_.layout().section_offsets[i];
      Hasher hasher;
      for (uint64_t at = 0; at < section.bytes; at += block.size()) {
        const MutableBytes part(block.data(), std::min<uint64_t>(block.size(), section.bytes - at));
        DCF_TRY(model_.source().read_at(offset + at, part));
        hasher.update(part);
        DCF_TRY(progress_.add(part.size()));
      }
      if (hasher.digest() != section.hash) {
        return fail(Code::ChecksumMismatch, "A-03", "the checksum of a section does not match")
            .at(offset);
      }
    }
    return ok_status();
  }

 private:
  // What a section is read in.
  uint64_t block_of_sections() const {
    uint64_t bytes = 0;
    for (const format::Section& section : model_.manifest()->sections)
      bytes = std::max(bytes, std::min(section.bytes, kSectionBlock));
    return bytes;
  }

  Status check_padding(size_t tensor) const {
    const Padding padding = padding_of(model_, tensor);
    std::array<uint8_t, kRawAlignment> bytes{};
    const MutableBytes read(bytes.data(), padding.bytes);
    if (padding.bytes == 0) return ok_status();
    DCF_TRY(model_.source().read_at(padding.offset, read));
    if (std::any_of(read.begin(), read.end(), [](uint8_t b) { return b != 0; })) {
      return fail(Code::BadPadding, "K-02", "padding in front of raw data is not zero")
          .at(padding.offset)
          .in_tensor(tensor);
    }
    return ok_status();
  }

  const Model& model_;
  const std::vector<format::Tensor>& tensors_;
  const size_t first_;
  const size_t last_;
  DecodeProgress progress_;
  Sweep sweep_;
};

}  // namespace

Status verify(const Model& model, ProgressStep progress) {
  Verifier verifier(model, 0, model.manifest()->tensors.size(), std::move(progress),
                    model.header().file_size);
  DCF_TRY(verifier.run());
  return verifier.check_sections();
}

Status verify_tensor(const Model& model, size_t tensor, ProgressStep progress) {
  const size_t data = model.data_tensor(tensor);
  return Verifier(model, data, data + 1, std::move(progress),
                  model.manifest()->tensors[data].encoded_bytes)
      .run();
}

Padding padding_of(const Model& model, size_t tensor) {
  const format::Tensor& t = model.manifest()->tensors[tensor];
  if (t.chunks == 0 || !t.encoding.is_raw()) return {};
  const format::Layout& layout = model.layout();
  uint64_t end = layout.tables_offset + model.manifest()->table_bytes;  // of what stands before
  if (t.first_chunk > 0) {
    end =
        layout.chunk_offsets[t.first_chunk - 1] + model.manifest()->chunks[t.first_chunk - 1].bytes;
  }
  return {end, layout.chunk_offsets[t.first_chunk] - end};
}

}  // namespace dcf::impl::model
