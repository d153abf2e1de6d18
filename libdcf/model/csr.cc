// SPDX-License-Identifier: Apache-2.0
// Two passes over the chunks: entries per row, then columns and values into their places.
#include <algorithm>
#include <atomic>
#include <bit>

#include "base/float_convert.h"
#include "model/decode.h"
#include "model/expand.h"

namespace dcf::impl {
namespace {

class CsrDecoder {
 public:
  CsrDecoder(const Model& model, size_t data, const Tensor& shape, DType as, const Csr& out)
      : model_(model), data_(data), tensor_(model.manifest().tensors[data]),
        coding_(tensor_, model.tables(), data), cols_(shape.cols()),
        convert_(as == DType::kF32 && tensor_.dtype != DType::kF32), out_(out) {}

  Status run() {
    for (uint64_t& p : out_.row_ptr) p = 0;
    std::vector<uint64_t> chunk_start(tensor_.chunks);
    DCF_TRY(model_.for_chunks(data_, 0, tensor_.chunks, [&](uint64_t chunk, ChunkScratch* scratch) {
      return visit(chunk, scratch, [&](uint64_t row, uint32_t, uint64_t) {
        // Chunks may share a row.
        std::atomic_ref(out_.row_ptr[row + 1]).fetch_add(1, std::memory_order_relaxed);
        ++chunk_start[chunk];
      });
    }, out_.held));
    for (size_t i = 1; i < out_.row_ptr.size(); ++i) out_.row_ptr[i] += out_.row_ptr[i - 1];
    if (out_.row_ptr.back() != out_.col.size()) {
      return fail(Code::BadCount, "K-05", "the nonzeros of the tensor differ from the declared number");
    }
    if (!tensor_.view.transposed) return place_by_chunk(&chunk_start);
    DCF_TRY(place_by_row());
    // Rows that reach from one row of the transpose into the next had their columns out of order.
    return tensor_.view_rows() % cols_ == 0 ? ok_status() : sort_rows();
  }

 private:
  template <typename Visit>
  Status visit(uint64_t chunk, ChunkScratch* scratch, Visit entry_fn) const {
    DecodedChunk decoded;
    DCF_TRY(model_.load_chunk(coding_, data_, chunk, scratch, &decoded));
    const bool sparse = tensor_.encoding.is_sparse();
    const uint64_t mask = magnitude_mask(tensor_.dtype);
    for_each_entry(coding_, decoded, [&](uint32_t element, uint32_t entry) {
      const uint64_t word = entry_word(coding_, decoded, entry);
      if (!sparse && (word & mask) == 0) return;
      const uint64_t at = element_of_view(tensor_, decoded.shape.first + element);
      entry_fn(at / cols_, static_cast<uint32_t>(at % cols_), word);
    });
    return ok_status();
  }

  void put(uint64_t at, uint32_t col, uint64_t word) const {
    out_.col[at] = col;
    if (convert_) {
      const float value = word_to_float(tensor_.dtype, word);
      store_le(out_.values.data() + at * sizeof value, std::bit_cast<uint32_t>(value));
    } else {
      store_word(out_.values.data() + at * coding_.word_bytes(), coding_.word_bytes(), word);
    }
  }

  // In row-major views the entries of a chunk are consecutive in the output.
  Status place_by_chunk(std::vector<uint64_t>* chunk_start) const {
    uint64_t sum = 0;
    for (uint64_t& start : *chunk_start) {
      const uint64_t count = start;
      start = sum;
      sum += count;
    }
    return model_.for_chunks(data_, 0, tensor_.chunks, [&](uint64_t chunk, ChunkScratch* scratch) {
      uint64_t at = (*chunk_start)[chunk];
      const uint64_t end = chunk + 1 < chunk_start->size() ? (*chunk_start)[chunk + 1] : out_.col.size();
      return visit(chunk, scratch, [&](uint64_t, uint32_t col, uint64_t word) {
        if (at < end) put(at++, col, word);  // a source that changed between the passes
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
    const size_t width = convert_ ? sizeof(float) : coding_.word_bytes();
    std::vector<Entry> entries;
    entries.reserve(longest);
    for (size_t row = 0; row + 1 < out_.row_ptr.size(); ++row) {
      entries.clear();
      for (uint64_t i = out_.row_ptr[row]; i < out_.row_ptr[row + 1]; ++i) {
        entries.push_back({out_.col[i], load_word(out_.values.data() + i * width, width)});
      }
      std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.col < b.col; });
      uint64_t at = out_.row_ptr[row];
      for (const Entry& entry : entries) {
        out_.col[at] = entry.col;
        store_word(out_.values.data() + at++ * width, width, entry.word);
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
