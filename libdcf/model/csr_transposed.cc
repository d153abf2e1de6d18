// SPDX-License-Identifier: Apache-2.0
// Two passes: entries per row, then columns and values into their places.
#include "model/csr_transposed.h"

#include <algorithm>
#include <atomic>
#include <numeric>

#include "model/csr_words.h"
#include "model/expand.h"

namespace dcf::impl {
namespace {

class TransposedCsr {
 public:
  TransposedCsr(const Model& model, size_t data, uint64_t cols, DType as, const Csr& out)
      : model_(model),
        data_(data),
        tensor_(model.manifest().tensors[data]),
        coding_(tensor_, model.tables(), data),
        words_(coding_, as),
        cols_(cols),
        out_(out) {}

  Status run() {
    DCF_TRY(count());
    std::partial_sum(out_.row_ptr.begin(), out_.row_ptr.end(), out_.row_ptr.begin());
    if (out_.row_ptr.back() != out_.col.size()) {
      return fail(Code::BadCount, "K-05",
                  "the nonzeros of the tensor differ from the declared number");
    }
    DCF_TRY(place());
    // Rows that reach from one row of the transpose into the next had their columns out of order.
    return tensor_.view_rows() % cols_ == 0 ? ok_status() : sort_rows();
  }

 private:
  // Calls entry(row, col, word) for all nonzeros of a chunk.
  template <typename Entry>
  Status visit(uint64_t chunk, ChunkScratch* scratch, Entry entry) const {
    DecodedChunk decoded;
    DCF_TRY(model_.load_chunk(coding_, data_, chunk, scratch, &decoded));
    const bool coded = !decoded.codes.empty();
    for_each_entry(coding_, decoded, [&](uint32_t element, uint32_t i) {
      const uint64_t stored = coded ? 0 : entry_word(coding_, decoded, i);
      if (coded ? !words_.kept()[decoded.codes[i]] : words_.is_zero(stored)) return;
      const uint64_t at = element_of_view(tensor_, decoded.shape.first + element);
      entry(at / cols_, static_cast<uint32_t>(at % cols_),
            coded ? words_.by_code()[decoded.codes[i]] : words_.converted(stored));
    });
    return ok_status();
  }

  Status count() const {
    return model_.for_chunks(
        data_, 0, tensor_.chunks,
        [&](uint64_t chunk, ChunkScratch* scratch) {
          return visit(chunk, scratch, [&](uint64_t row, uint32_t, uint64_t) {
            std::atomic_ref(out_.row_ptr[row + 1]).fetch_add(1, std::memory_order_relaxed);
          });
        },
        out_.held);
  }

  void put(uint64_t at, uint32_t col, uint64_t word) const {
    out_.col[at] = col;
    store_word(out_.values.data() + at * words_.bytes(), words_.bytes(), word);
  }

  // Each row takes its next place, chunks in order: the columns rise as they do in the view.
  Status place() const {
    const uint64_t left = model_.working_memory() - out_.held;
    if (tensor_.chunks != 0 &&
        out_.row_ptr.size() > (left - model_.scratch_bytes(data_)) / sizeof(uint64_t)) {
      return fail(Code::LimitMemory, "L-01", "a list of rows needs more memory than the limit");
    }
    std::vector<uint64_t> next(out_.row_ptr.begin(), out_.row_ptr.end() - 1);
    ChunkScratch scratch;
    for (uint64_t chunk = 0; chunk < tensor_.chunks; ++chunk) {
      DCF_TRY(visit(chunk, &scratch, [&](uint64_t row, uint32_t col, uint64_t word) {
        // A source that changed between the passes must not write into other rows.
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
    const size_t bytes = words_.bytes();
    std::vector<Entry> entries;
    entries.reserve(longest);
    for (size_t row = 0; row + 1 < out_.row_ptr.size(); ++row) {
      entries.clear();
      for (uint64_t i = out_.row_ptr[row]; i < out_.row_ptr[row + 1]; ++i) {
        entries.push_back({out_.col[i], load_word(out_.values.data() + i * bytes, bytes)});
      }
      std::sort(entries.begin(), entries.end(),
                [](const Entry& a, const Entry& b) { return a.col < b.col; });
      uint64_t at = out_.row_ptr[row];
      for (const Entry& entry : entries) put(at++, entry.col, entry.word);
    }
    return ok_status();
  }

  const Model& model_;
  size_t data_;
  const Tensor& tensor_;
  TensorCoding coding_;
  CsrWords words_;
  uint64_t cols_;
  const Csr& out_;
};

}  // namespace

Status decode_csr_transposed(const Model& model, size_t data, uint64_t cols, DType as,
                             const Csr& out) {
  return TransposedCsr(model, data, cols, as, out).run();
}

}  // namespace dcf::impl
