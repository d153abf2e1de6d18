// SPDX-License-Identifier: Apache-2.0
#include "encode/content/piece_transpose.h"

namespace dcf::impl::encode {
namespace {

// More memory would save little time: the temporary files stay in the page cache if there is room.
// One column has at most 2^22 words, of at most 12 bytes here.
constexpr uint64_t kMaxSpoolMemory = uint64_t{16} << 20;
constexpr uint64_t kMaxPassMemory = uint64_t{64} << 20;

// The tensor as a matrix of `rows` rows, which are the columns of the transposed view.
class Transposition {
 public:
  Transposition(const Content& content, uint32_t rows)
      : content_(content), rows_(rows), cols_(content.elements / rows), ends_(cols_ + 1) {}

  Status run(uint64_t memory, const Progress& progress, PieceStore* out) {
    DCF_TRY(visit([&](uint64_t, uint64_t col, uint64_t) { ++ends_[col + 1]; }));
    for (uint64_t c = 0; c < cols_; ++c) ends_[c + 1] += ends_[c];
    const uint64_t most = memory / (sizeof(uint32_t) + content_.width());
    for (uint64_t first = 0; first < cols_;) {
      DCF_TRY(progress.poll());
      uint64_t last = first;
      while (last < cols_ && ends_[last + 1] - ends_[first] <= most) ++last;
      if (last == first) {
        return fail(Code::LimitMemory, "", "the transposed view needs more memory than the limit");
      }
      DCF_TRY(copy(first, last, out));
      first = last;
    }
    return out->finish(content_.elements * content_.width());
  }

 private:
  // f(row, column, word).
  template <typename F>
  Status visit(F f) const {
    uint64_t row = 0;
    uint64_t start = 0;
    return content_.visit(0, content_.elements, [&](uint64_t index, uint64_t word, Cell) {
      if (index - start >= cols_) {
        row = index / cols_;
        start = row * cols_;
      }
      f(row, index - start, word);
    });
  }

  // Appends columns [first, last).
  Status copy(uint64_t first, uint64_t last, PieceStore* out) {
    const uint64_t begin = ends_[first];
    const auto count = static_cast<size_t>(ends_[last] - begin);
    const size_t width = content_.width();
    rows_of_.resize(count);
    words_.resize(count * width);
    next_.assign(ends_.begin() + static_cast<ptrdiff_t>(first),
                 ends_.begin() + static_cast<ptrdiff_t>(last));
    DCF_TRY(visit([&](uint64_t row, uint64_t col, uint64_t word) {
      if (col < first || col >= last) return;
      const auto at = static_cast<size_t>(next_[col - first]++ - begin);
      rows_of_[at] = static_cast<uint32_t>(row);
      store_word(words_.data() + at * width, width, word);
    }));
    for (uint64_t c = first; c < last; ++c) {
      for (auto k = static_cast<size_t>(ends_[c] - begin); k < ends_[c + 1] - begin; ++k) {
        DCF_TRY(out->put(c * rows_ + rows_of_[k], load_word(words_.data() + k * width, width)));
      }
    }
    return ok_status();
  }

  const Content& content_;
  const uint64_t rows_;
  const uint64_t cols_;
  std::vector<uint32_t> ends_;  // words of the columns before; at most kMaxTransposed
  std::vector<uint32_t> next_;
  std::vector<uint32_t> rows_of_;
  std::vector<uint8_t> words_;
};

}  // namespace

Status transpose_pieces(uint32_t cols, uint64_t memory, const Progress& progress,
                        Content* content) {
  if (content->transposed != nullptr && content->transposed_cols == cols) return ok_status();
  content->transposed.reset();
  const uint64_t tables = 2 * sizeof(uint32_t) * (content->elements / cols + 1) +
                          PieceStore::overhead(content->elements * content->width()) +
                          PieceStore::kReaderBytes;
  if (tables > memory) {
    return fail(Code::LimitMemory, "", "the transposed view needs more memory than the limit");
  }
  memory -= tables;
  const uint64_t spool_memory = std::min(memory / 4, kMaxSpoolMemory);
  auto out = std::make_shared<PieceStore>(content->width(), spool_memory);
  DCF_TRY(Transposition(*content, cols)
              .run(std::min(memory - spool_memory, kMaxPassMemory), progress, out.get()));
  content->transposed = std::move(out);
  content->transposed_cols = cols;
  return ok_status();
}

}  // namespace dcf::impl::encode
