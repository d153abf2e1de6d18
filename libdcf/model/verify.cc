// SPDX-License-Identifier: Apache-2.0
#include "model/verify.h"

#include <algorithm>
#include <array>
#include <mutex>

#include "base/hash.h"

namespace dcf::impl {
namespace {

constexpr size_t kGroup = 256;  // items that are listed at a time
constexpr uint64_t kRun = 16;   // chunks of a tensor that share decode tables and scratch

// A run of consecutive chunks of one tensor.
struct Item {
  size_t tensor;
  uint64_t first;
  uint64_t last;
};

class Verifier {
 public:
  Verifier(const Model& model, const VerifyProgress& progress)
      : model_(model),
        progress_(progress),
        total_(model.header().file_size),
        nonzeros_(model.manifest().tensors.size()) {}

  Status run() {
    DCF_TRY(check_chunks());
    const std::vector<Tensor>& tensors = model_.manifest().tensors;
    for (size_t i = 0; i < tensors.size(); ++i) {
      if (tensors[i].alias_of == kNoTensor && nonzeros_[i] != tensors[i].nonzeros) {
        return model_.in_data(i, fail(Code::BadCount, "K-05",
                                      "the nonzeros of a tensor differ from the declared number"));
      }
    }
    for (size_t i = 0; i < tensors.size(); ++i) DCF_TRY(check_padding(i));
    return check_sections();
  }

 private:
  // Tensors differ in size by orders of magnitude: items of a large one must not starve for memory
  // because of it, so that items are taken in groups of like need.
  Status check_chunks() {
    std::vector<Item> items;
    uint64_t bytes = 0;
    const std::vector<Tensor>& tensors = model_.manifest().tensors;
    for (size_t i = 0; i < tensors.size(); ++i) {
      const uint64_t need = model_.scratch_bytes(i);
      if (tensors[i].chunks != 0 &&
          model_.threads_for(std::max(bytes, need)) < model_.threads_for(bytes)) {
        DCF_TRY(check_items(&items, bytes));
        bytes = 0;
      }
      bytes = std::max(bytes, need);
      for (uint64_t chunk = 0; chunk < tensors[i].chunks; chunk += kRun) {
        if (items.size() == kGroup) DCF_TRY(check_items(&items, bytes));
        items.push_back({i, chunk, std::min(chunk + kRun, tensors[i].chunks)});
      }
    }
    return check_items(&items, bytes);
  }

  Status check_items(std::vector<Item>* items, uint64_t bytes) {
    if (items->empty()) return ok_status();
    const Status s =
        model_.for_items(items->size(), bytes, [&](size_t i) { return check_item((*items)[i]); });
    const Tensor& first = model_.manifest().tensors[items->front().tensor];
    const uint64_t offset = model_.layout().chunk_offsets[first.first_chunk + items->front().first];
    items->clear();
    return s.ok() ? s : s.at(offset);
  }

  Status check_item(const Item& item) {
    const Tensor& t = model_.manifest().tensors[item.tensor];
    const TensorCoding coding(t, model_.tables(), item.tensor);
    ChunkScratch scratch;
    uint64_t done = 0;
    uint64_t nonzeros = 0;
    for (uint64_t chunk = item.first; chunk < item.last; ++chunk) {
      DecodedChunk decoded;
      DCF_TRY(model_.load_chunk(coding, item.tensor, chunk, &scratch, &decoded));
      nonzeros += decoded.nonzeros;
      done += model_.manifest().chunks[t.first_chunk + chunk].bytes;
    }
    const std::lock_guard lock(mutex_);
    nonzeros_[item.tensor] += nonzeros;
    return report(done);
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

  Status check_sections() {
    uint64_t largest = 0;
    for (const Section& section : model_.manifest().sections)
      largest = std::max(largest, section.bytes);
    std::vector<uint8_t> block(std::min({largest, uint64_t{1} << 20, model_.working_memory()}));
    for (size_t i = 0; i < model_.manifest().sections.size(); ++i) {
      const Section& section = model_.manifest().sections[i];
      const uint64_t offset = model_.layout().section_offsets[i];
      Hasher hasher;
      for (uint64_t at = 0; at < section.bytes; at += block.size()) {
        const MutableBytes part(block.data(), std::min<uint64_t>(block.size(), section.bytes - at));
        DCF_TRY(model_.source().read_at(offset + at, part));
        hasher.update(part);
        const std::lock_guard lock(mutex_);
        DCF_TRY(report(part.size()));
      }
      if (hasher.digest() != section.hash) {
        return fail(Code::ChecksumMismatch, "A-01", "the checksum of a section does not match")
            .at(offset);
      }
    }
    return ok_status();
  }

  // Under the mutex.
  Status report(uint64_t done) {
    done_ += done;
    if (progress_ && !progress_(done_, total_))
      return fail(Code::Cancelled, "", "the caller asked to stop");
    return ok_status();
  }

  const Model& model_;
  const VerifyProgress& progress_;
  const uint64_t total_;
  std::mutex mutex_;
  uint64_t done_ = 0;
  std::vector<uint64_t> nonzeros_;
};

}  // namespace

Status verify(const Model& model, const VerifyProgress& progress) {
  return Verifier(model, progress).run();
}

Padding padding_of(const Model& model, size_t tensor) {
  const Tensor& t = model.manifest().tensors[tensor];
  if (t.chunks == 0 || !t.encoding.is_raw()) return {};
  const Layout& layout = model.layout();
  uint64_t end = layout.tables_offset + model.manifest().table_bytes;  // of what stands before
  if (t.first_chunk > 0) {
    end =
        layout.chunk_offsets[t.first_chunk - 1] + model.manifest().chunks[t.first_chunk - 1].bytes;
  }
  return {end, layout.chunk_offsets[t.first_chunk] - end};
}

}  // namespace dcf::impl
