// SPDX-License-Identifier: Apache-2.0
// One pass over the chunks where the manifest tells how many nonzeros each has; else two: entries per
// row, then columns and values into their places.
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>

#include "base/float_convert.h"
#include "codec/stream_copy.h"
#include "model/decode.h"
#include "model/expand.h"

namespace dcf::impl {
namespace {

// Consecutive entries on their way to the output, gathered in the first cache and written in blocks,
// past the caches if the output is large.
class EntryWriter {
 public:
  EntryWriter(const Csr& out, size_t width, uint64_t at)
      : out_(out), width_(width), at_(at), stream_(out.col.size() * (sizeof(uint32_t) + width) >= kStreamFrom) {
    // After the first, blocks start on lines as far as elements can.
    const uint8_t* const first = bytes_of(std::span<const uint32_t>(out.col)).data() + at * sizeof(uint32_t);
    size_ = kBlock - reinterpret_cast<uintptr_t>(first) % kLineBytes / sizeof(uint32_t);
  }
  ~EntryWriter() {
    flush();
    if (stream_) stream_fence();
  }
  EntryWriter(const EntryWriter&) = delete;
  EntryWriter& operator=(const EntryWriter&) = delete;

  uint64_t next() const { return at_ + used_; }
  void put(uint32_t col, uint64_t word) {
    cols_[used_] = col;
    store_word(values_.data() + used_ * width_, width_, word);
    if (++used_ == size_) flush();
  }

 private:
  static constexpr size_t kBlock = 2048;

  void flush() {
    auto* const cols = reinterpret_cast<uint8_t*>(out_.col.data() + at_);
    write(bytes_of(std::span<const uint32_t>(cols_)).first(used_ * sizeof(uint32_t)), cols);
    write(Bytes(values_).first(used_ * width_), out_.values.data() + at_ * width_);
    at_ += used_;
    used_ = 0;
    size_ = kBlock;
  }
  void write(Bytes from, uint8_t* to) const {
    if (stream_) stream_copy(from, to);
    else std::copy(from.begin(), from.end(), to);
  }

  const Csr& out_;
  size_t width_;
  uint64_t at_;
  bool stream_;
  size_t size_;  // of this block
  size_t used_ = 0;
  alignas(kLineBytes) std::array<uint32_t, kBlock> cols_;
  alignas(kLineBytes) std::array<uint8_t, kBlock * sizeof(uint64_t)> values_;
};

class CsrDecoder {
 public:
  CsrDecoder(const Model& model, size_t data, const Tensor& shape, DType as, const Csr& out)
      : model_(model), data_(data), tensor_(model.manifest().tensors[data]),
        coding_(tensor_, model.tables(), data), cols_(shape.cols()),
        convert_(as == DType::kF32 && tensor_.dtype != DType::kF32),
        width_(convert_ ? sizeof(float) : tensor_.bits / 8), out_(out) {
    if (tensor_.encoding.positions == Positions::kGap) palette_.push_back(0);  // the fillers' code
    for (const uint64_t word : coding_.codebook()) palette_.push_back(converted(word));
  }

  Status run() {
    for (uint64_t& p : out_.row_ptr) p = 0;
    std::vector<uint64_t> chunk_start(tensor_.chunks);
    // Where every entry is a nonzero, the manifest says where those of each chunk go.
    const bool one_pass = tensor_.encoding.is_sparse() && !tensor_.view.transposed &&
                          tensor_.entries == tensor_.nonzeros && tensor_.nonzeros == out_.col.size();
    for (uint64_t i = 0; one_pass && i < tensor_.chunks; ++i) {
      chunk_start[i] = model_.manifest().chunks[tensor_.first_chunk + i].entries;
    }
    DCF_TRY(one_pass ? place_by_chunk(&chunk_start, true) : count(&chunk_start));
    for (size_t i = 1; i < out_.row_ptr.size(); ++i) out_.row_ptr[i] += out_.row_ptr[i - 1];
    if (out_.row_ptr.back() != out_.col.size()) {
      return fail(Code::BadCount, "K-05", "the nonzeros of the tensor differ from the declared number");
    }
    if (one_pass) return ok_status();
    if (!tensor_.view.transposed) return place_by_chunk(&chunk_start, false);
    DCF_TRY(place_by_row());
    // Rows that reach from one row of the transpose into the next had their columns out of order.
    return tensor_.view_rows() % cols_ == 0 ? ok_status() : sort_rows();
  }

 private:
  uint64_t converted(uint64_t word) const {
    return convert_ ? std::bit_cast<uint32_t>(word_to_float(tensor_.dtype, word)) : word;
  }

  // Calls entry(row, col, word) for all nonzeros of a chunk, in the order of the view.
  template <typename Entry>
  Status visit(uint64_t chunk, ChunkScratch* scratch, Entry entry) const {
    DecodedChunk decoded;
    DCF_TRY(model_.load_chunk(coding_, data_, chunk, scratch, &decoded));
    const bool sparse = tensor_.encoding.is_sparse();
    const uint64_t mask = magnitude_mask(tensor_.dtype);
    const uint8_t* const codes = decoded.codes.empty() ? nullptr : decoded.codes.data();
    const uint64_t* const palette = palette_.data();
    const auto with_word = [&](uint64_t row, uint64_t col, uint32_t i) {
      if (!sparse && (entry_word(coding_, decoded, i) & mask) == 0) return;
      entry(row, static_cast<uint32_t>(col),
            codes != nullptr ? palette[codes[i]] : converted(entry_word(coding_, decoded, i)));
    };
    if (tensor_.view.transposed) {
      for_each_entry(coding_, decoded, [&](uint32_t element, uint32_t i) {
        const uint64_t at = element_of_view(tensor_, decoded.shape.first + element);
        with_word(at / cols_, at % cols_, i);
      });
      return ok_status();
    }
    // Elements only rise, so that rows are stepped through instead of divided.
    uint64_t row = decoded.shape.first / cols_;
    uint64_t row_start = row * cols_;
    for_each_entry(coding_, decoded, [&](uint32_t element, uint32_t i) {
      const uint64_t at = decoded.shape.first + element;
      for (; at - row_start >= cols_; row_start += cols_) ++row;
      with_word(row, at - row_start, i);
    });
    return ok_status();
  }

  // Nonzeros of a row that were met so far; rows are stored when they are left, as chunks may share
  // one.
  class RowCount {
   public:
    explicit RowCount(std::span<uint64_t> row_ptr) : row_ptr_(row_ptr) {}
    ~RowCount() { store(); }
    RowCount(const RowCount&) = delete;
    RowCount& operator=(const RowCount&) = delete;
    void add(uint64_t row) {
      if (row != row_) {
        store();
        row_ = row;
        count_ = 0;
      }
      ++count_;
    }

   private:
    void store() {
      if (count_ != 0) std::atomic_ref(row_ptr_[row_ + 1]).fetch_add(count_, std::memory_order_relaxed);
    }
    std::span<uint64_t> row_ptr_;
    uint64_t row_ = 0;
    uint64_t count_ = 0;
  };

  Status count(std::vector<uint64_t>* chunk_start) const {
    return model_.for_chunks(data_, 0, tensor_.chunks, [&](uint64_t chunk, ChunkScratch* scratch) {
      RowCount rows(out_.row_ptr);
      uint64_t count = 0;
      const Status s = visit(chunk, scratch, [&](uint64_t row, uint32_t, uint64_t) {
        rows.add(row);
        ++count;
      });
      (*chunk_start)[chunk] = count;
      return s;
    }, out_.held);
  }

  void put(uint64_t at, uint32_t col, uint64_t word) const {
    out_.col[at] = col;
    store_word(out_.values.data() + at * width_, width_, word);
  }

  // In row-major views the entries of a chunk are consecutive in the output. `chunk_start` has the
  // number of each chunk, and gets where they start.
  Status place_by_chunk(std::vector<uint64_t>* chunk_start, bool count_rows) const {
    uint64_t sum = 0;
    for (uint64_t& start : *chunk_start) {
      const uint64_t count = start;
      start = sum;
      sum += count;
    }
    return model_.for_chunks(data_, 0, tensor_.chunks, [&](uint64_t chunk, ChunkScratch* scratch) {
      RowCount rows(out_.row_ptr);
      EntryWriter writer(out_, width_, (*chunk_start)[chunk]);
      const uint64_t end = chunk + 1 < chunk_start->size() ? (*chunk_start)[chunk + 1] : out_.col.size();
      return visit(chunk, scratch, [&](uint64_t row, uint32_t col, uint64_t word) {
        if (writer.next() >= end) return;  // a source that changed between the passes
        writer.put(col, word);
        if (count_rows) rows.add(row);
      });
    }, out_.held);
  }

  // Each row takes its next place, chunks in order: the columns rise as they do in the transposed view.
  Status place_by_row() const {
    if (tensor_.chunks != 0 && out_.row_ptr.size() > (model_.working_memory() - out_.held - model_.scratch_bytes(data_)) / sizeof(uint64_t)) {
      return fail(Code::LimitMemory, "L-01", "a list of rows needs more memory than the limit");
    }
    std::vector<uint64_t> next(out_.row_ptr.begin(), out_.row_ptr.end() - 1);
    ChunkScratch scratch;
    for (uint64_t chunk = 0; chunk < tensor_.chunks; ++chunk) {
      DCF_TRY(visit(chunk, &scratch, [&](uint64_t row, uint32_t col, uint64_t word) {
        if (next[row] < out_.row_ptr[row + 1]) put(next[row]++, col, word);
      }));
    }
    return ok_status();
  }

  Status sort_rows() const {
    struct Entry {
      uint32_t col;
      uint64_t word;
    };
    uint64_t longest = 0;
    for (size_t row = 0; row + 1 < out_.row_ptr.size(); ++row) {
      longest = std::max(longest, out_.row_ptr[row + 1] - out_.row_ptr[row]);
    }
    if (longest > (model_.working_memory() - out_.held) / sizeof(Entry)) {
      return fail(Code::LimitMemory, "L-01", "a row needs more memory than the limit");
    }
    std::vector<Entry> entries;
    entries.reserve(longest);
    for (size_t row = 0; row + 1 < out_.row_ptr.size(); ++row) {
      entries.clear();
      for (uint64_t i = out_.row_ptr[row]; i < out_.row_ptr[row + 1]; ++i) {
        entries.push_back({out_.col[i], load_word(out_.values.data() + i * width_, width_)});
      }
      std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.col < b.col; });
      uint64_t at = out_.row_ptr[row];
      for (const Entry& entry : entries) {
        out_.col[at] = entry.col;
        store_word(out_.values.data() + at++ * width_, width_, entry.word);
      }
    }
    return ok_status();
  }

  const Model& model_;
  size_t data_;
  const Tensor& tensor_;
  TensorCoding coding_;
  uint64_t cols_;
  bool convert_;
  size_t width_;  // bytes of a value
  std::vector<uint64_t> palette_;  // values by code
  const Csr& out_;
};

}  // namespace

Status decode_csr(const Model& model, size_t tensor, DType as, const Csr& out) {
  const size_t data = model.data_tensor(tensor);
  if (is_raw_only(model.manifest().tensors[data].dtype)) {
    return fail(Code::UnsupportedDType, "", "the dtype has no sparse form");
  }
  return model.in_data(data, CsrDecoder(model, data, model.manifest().tensors[tensor], as, out).run());
}

}  // namespace dcf::impl
