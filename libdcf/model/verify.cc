// SPDX-License-Identifier: Apache-2.0
#include "model/verify.h"

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "model/chunk_reader.h"

namespace dcf::impl {
namespace {

constexpr size_t kGroup = 256;  // items that are listed at a time
constexpr uint64_t kRun = 16;   // chunks of a tensor that share decode tables and scratch

// The chunks of an item. To read its maps of units takes no longer than the elements of its item.
uint64_t run_of(const Tensor& t) {
  return std::max(kRun, t.encoding.unit_map_size() / t.chunk_stride());
}

// A run of consecutive chunks of one tensor.
struct Item {
  size_t tensor;
  uint64_t first;
  uint64_t last;
  uint64_t nonzeros;  // that they have, once they are checked
};

// Tensors [first, last) of a file.
class Verifier {
 public:
  Verifier(const Model& model, size_t first, size_t last, ProgressStep progress, uint64_t total)
      : model_(model),
        tensors_(model.manifest()->tensors),
        first_(first),
        last_(last),
        progress_(std::move(progress), total) {}

  Status run() {
    DCF_TRY(take_memory());
    DCF_TRY(check_chunks());
    DCF_TRY(wrong_count_);
    for (size_t i = first_; i < last_; ++i) DCF_TRY(check_padding(i));
    return ok_status();
  }

  Status check_sections() {
    uint64_t largest = 0;
    for (const Section& section : model_.manifest()->sections)
      largest = std::max(largest, section.bytes);
    std::vector<uint8_t> block(std::min(largest, base_));
    for (size_t i = 0; i < model_.manifest()->sections.size(); ++i) {
      const Section& section = model_.manifest()->sections[i];
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
  uint64_t workers_within_all(uint64_t bytes) const {
    return workers_within(model_.working_memory(), {0, bytes}, model_.parallel().width());
  }

  // Holds what one worker needs at most from first to last, so that no tensor is too large in the
  // middle of it. More workers take their shares while they are needed.
  Status take_memory() {
    constexpr uint64_t kSectionBlock = uint64_t{64} << 10;
    for (const Section& section : model_.manifest()->sections)
      base_ = std::max(base_, std::min(section.bytes, kSectionBlock));
    base_ = std::min(base_, model_.working_memory());
    uint64_t offset = kHeaderBytes;  // of the tensor that needs most
    for (size_t i = first_; i < last_; ++i) {
      const uint64_t need = model_.scratch_bytes(i);
      if (need <= base_) continue;
      base_ = need;
      offset = model_.layout().chunk_offsets[tensors_[i].first_chunk];
    }
    base_share_ = model_.take_memory({base_, 0});
    if (base_share_) return ok_status();
    return fail(Code::LimitMemory, "L-01", "decoding a tensor takes more than max_memory")
        .at(offset);
  }

  // Tensors differ in size by orders of magnitude: items of a large one must not starve for memory
  // because of it, so that items are taken in groups of like need.
  Status check_chunks() {
    std::vector<Item> items;
    items.reserve(kGroup);
    uint64_t bytes = 0;
    for (size_t i = first_; i < last_; ++i) {
      if (tensors_[i].chunks == 0) continue;
      const uint64_t need = model_.scratch_bytes(i);
      if (workers_within_all(std::max(bytes, need)) < workers_within_all(bytes)) {
        DCF_TRY(check_items(&items, bytes));
        bytes = 0;
      }
      bytes = std::max(bytes, need);
      const uint64_t run = run_of(tensors_[i]);
      for (uint64_t chunk = 0; chunk < tensors_[i].chunks; chunk += run) {
        if (items.size() == kGroup) DCF_TRY(check_items(&items, bytes));
        items.push_back({i, chunk, std::min(chunk + run, tensors_[i].chunks), 0});
      }
    }
    return check_items(&items, bytes);
  }

  Status check_items(std::vector<Item>* items, uint64_t bytes) {
    if (items->empty()) return ok_status();
    const uint64_t width = std::min<uint64_t>(model_.parallel().width(), items->size());
    uint64_t workers = std::min(width, base_ / std::max<uint64_t>(bytes, 1));
    MemoryShare more;
    if (workers < width) more = model_.take_memory({0, bytes}, width - workers);
    workers += more.workers();
    const Status s = model_.for_items(items->size(), workers,
                                      [&](size_t i) { return check_item(&(*items)[i]); });
    if (!s.ok()) {
      const Item& first = items->front();
      const uint64_t chunk = tensors_[first.tensor].first_chunk + first.first;
      return s.at(model_.layout().chunk_offsets[chunk]);
    }
    for (const Item& item : *items) count(item);
    items->clear();
    return ok_status();
  }

  Status check_item(Item* item) {
    const ChunkReader reader(model_, item->tensor, &progress_);
    const ScratchLoan scratch = model_.lend_scratch();
    for (uint64_t chunk = item->first; chunk < item->last; ++chunk) {
      DCF_ASSIGN(const DecodedChunk decoded, reader.load(chunk, scratch.get()));
      item->nonzeros += decoded->nonzeros;
    }
    return ok_status();
  }

  // Items come in the order of the file, so that a tensor is whole when its last one comes. Damaged
  // chunks are reported before wrong counts.
  void count(const Item& item) {
    nonzeros_ += item.nonzeros;
    if (item.last < tensors_[item.tensor].chunks) return;
    if (wrong_count_.ok()) wrong_count_ = model_.check_nonzeros(item.tensor, nonzeros_);
    nonzeros_ = 0;
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
  const std::vector<Tensor>& tensors_;
  const size_t first_;
  const size_t last_;
  DecodeProgress progress_;
  uint64_t base_ = 0;  // bytes of base_share_
  MemoryShare base_share_;
  uint64_t nonzeros_ = 0;  // so far, of the tensor that is being counted
  Status wrong_count_;     // of the first tensor that has one
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
  const Tensor& t = model.manifest()->tensors[tensor];
  if (t.chunks == 0 || !t.encoding.is_raw()) return {};
  const Layout& layout = model.layout();
  uint64_t end = layout.tables_offset + model.manifest()->table_bytes;  // of what stands before
  if (t.first_chunk > 0) {
    end =
        layout.chunk_offsets[t.first_chunk - 1] + model.manifest()->chunks[t.first_chunk - 1].bytes;
  }
  return {end, layout.chunk_offsets[t.first_chunk] - end};
}

}  // namespace dcf::impl
