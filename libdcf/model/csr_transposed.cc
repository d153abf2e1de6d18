// SPDX-License-Identifier: Apache-2.0
// Two passes: entries per row, then columns and values into their places.
#include "model/csr_transposed.h"

#include <algorithm>
#include <atomic>
#include <numeric>

#include "base/checked.h"
#include "model/csr.h"
#include "model/csr_words.h"
#include "model/decode.h"
#include "model/expand.h"
#include "model/tensor_reader.h"

namespace dcf::impl::model {
namespace {

class TransposedCsr {
 public:
  TransposedCsr(const TensorReader& reader, uint64_t cols, DType as, const Csr& out)
      : reader_(reader),
        tensor_(reader.tensor()),
        coding_(reader.coding()),
        words_(coding_, as),
        cols_(cols),
        out_(out) {}

  Status run() const {
    // The first pass checks the nonzeros, so that the second one has room for all of them.
    DCF_TRY(count());
    std::partial_sum(out_.row_ptr.begin(), out_.row_ptr.end(), out_.row_ptr.begin());
    return place();
  }

 private:
  // Calls entry(row, col, word) for all nonzeros of a chunk.
  template <typename Entry>
  Status visit(uint64_t chunk, ChunkScratch* scratch, Entry entry) const {
    DCF_ASSIGN(const DecodedChunk decoded, reader_.load(chunk, scratch));
    const bool coded = !decoded->codes.empty();
    for_each_entry(coding_, decoded, [&](uint32_t element, uint32_t i) {
      const uint64_t stored = coded ? 0 : entry_word(coding_, decoded, i);
      if (coded ? !words_.kept()[decoded->codes[i]] : words_.is_zero(stored)) return;
      const uint64_t at = element_of_view(tensor_, decoded->shape.first + element);
      entry(at / cols_, static_cast<uint32_t>(at % cols_),
            coded ? words_.by_code()[decoded->codes[i]] : words_.converted(stored));
    });
    return ok_status();
  }

  Status count() const {
    return reader_.for_each_chunk([&](uint64_t chunk, ChunkScratch* scratch) {
      return visit(chunk, scratch, [&](uint64_t row, uint32_t, uint64_t) {
        std::atomic_ref(out_.row_ptr[row + 1]).fetch_add(1, std::memory_order_relaxed);
      });
    });
  }

  void put(uint64_t at, uint32_t col, uint64_t word) const {
    out_.col[at] = col;
    store_word(out_.values.data() + at * words_.bytes(), words_.bytes(), word);
  }

  // Each entry takes the next place of its row. Chunks come in order, so the columns of a row rise
  // as they do in the view.
  Status place() const {
    std::vector<uint64_t> next(out_.row_ptr.begin(), out_.row_ptr.end() - 1);
    return reader_.for_each_chunk_in_order([&](uint64_t chunk, ChunkScratch* scratch) {
      return visit(chunk, scratch, [&](uint64_t row, uint32_t col, uint64_t word) {
        // A source that changed between the passes must not write into other rows.
        if (next[row] < out_.row_ptr[row + 1]) put(next[row]++, col, word);
      });
    });
  }

  const TensorReader& reader_;
  const format::Tensor& tensor_;
  const TensorCoding& coding_;
  CsrWords words_;
  uint64_t cols_;
  const Csr& out_;
};

// Sorts each row by column. Values have `bytes` bytes.
Status sort_rows(const Model& model, const Csr& out, size_t bytes) {
  struct Entry {
    uint32_t col;
    uint64_t word;
  };
  uint64_t longest = 0;
  for (size_t row = 0; row + 1 < out.row_ptr.size(); ++row) {
    longest = std::max(longest, out.row_ptr[row + 1] - out.row_ptr[row]);
  }
  uint64_t list_bytes = 0;
  MemoryShare share;
  if (checked_mul(longest, sizeof(Entry), &list_bytes)) share = model.take_memory({list_bytes, 0});
  if (!share) return fail(Code::LimitMemory, "L-01", "sorting a row takes more than max_memory");
  std::vector<Entry> entries;
  entries.reserve(longest);
  for (size_t row = 0; row + 1 < out.row_ptr.size(); ++row) {
    entries.clear();
    for (uint64_t i = out.row_ptr[row]; i < out.row_ptr[row + 1]; ++i) {
      entries.push_back({out.col[i], load_word(out.values.data() + i * bytes, bytes)});
    }
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.col < b.col; });
    uint64_t at = out.row_ptr[row];
    for (const Entry& entry : entries) {
      out.col[at] = entry.col;
      store_word(out.values.data() + at * bytes, bytes, entry.word);
      ++at;
    }
  }
  return ok_status();
}

}  // namespace

Status decode_csr_transposed(const Model& model, size_t data, uint64_t cols, DType as,
                             const Csr& out, ProgressStep step) {
  const format::Tensor& tensor = model.manifest()->tensors[data];
  DecodeProgress progress(std::move(step), 2 * tensor.encoded_bytes);
  ReadPlan plan = whole_tensor(tensor, &progress);
  plan.beside.once = (out.row_ptr.size() - 1) * sizeof(uint64_t);  // the next place of each row
  plan.too_much = "decoding the tensor and a list of its rows take more than max_memory";
  {
    DCF_ASSIGN(const auto reader, TensorReader::open(model, data, plan));
    DCF_TRY(TransposedCsr(*reader, cols, as, out).run());
  }
  // Rows that reach from one row of the transpose into the next have their columns out of order.
  const bool sorted = tensor.view_rows() % cols == 0;
  if (sorted || out.col.empty()) return ok_status();
  return sort_rows(model, out, out.values.size() / out.col.size());
}

}  // namespace dcf::impl::model
