// SPDX-License-Identifier: Apache-2.0
#include "encode/content/content.h"

#include "base/checked.h"

namespace dcf::impl::encode {
namespace {

constexpr uint64_t kTile = 32;  // rows and columns of a transposition

}  // namespace

Result<Bytes> Content::dense(uint64_t begin, uint64_t end, std::vector<uint8_t>* scratch) const {
  if (is_plain()) {
    const uint64_t first = begin * bits / 8;
    const auto size = static_cast<size_t>(ceil_div(end * bits, 8) - first);
    if (pieces == nullptr) return words.subspan(first, size);
    scratch->resize(size);
    DCF_TRY(pieces->read(first, *scratch));
    return Bytes(*scratch);
  }
  scratch->assign(static_cast<size_t>(end - begin) * width(), 0);
  const auto put = [&](uint64_t index, uint64_t word, Cell) {
    store_word(scratch->data() + (index - begin) * width(), width(), word);
  };
  if (coded && row_ptr == nullptr) {
    // With dense positions every element has a code, zeros too.
    for (uint64_t i = begin; i < end; ++i) put(i, code_words[codes[i]], Cell::kEntry);
  } else {
    DCF_TRY(visit(begin, end, put));
  }
  return Bytes(*scratch);
}

Result<Bytes> Content::rows(format::View view, uint64_t first, uint64_t count,
                            std::vector<uint8_t>* scratch) const {
  const uint64_t begin = first * view.cols;
  const uint64_t end = std::min(elements, begin + count * view.cols);
  if (!view.transposed) return dense(begin, end, scratch);
  const size_t width = this->width();
  scratch->resize(static_cast<size_t>(end - begin) * width);
  if (pieces != nullptr) {
    if (transposed == nullptr || transposed_cols != view.cols) {
      return fail(Code::Internal, "", "the pieces of a tensor were not transposed");
    }
    DCF_TRY(transposed->read(begin * width, *scratch));
    return Bytes(*scratch);
  }
  const uint64_t stride = elements / view.cols;
  // In tiles, as rows that lie a power of two apart share a few lines of the cache. To begin a
  // range in what is not plain takes a search.
  const uint64_t tile_rows = is_plain() ? kTile : count;
  std::vector<uint8_t> tile(static_cast<size_t>(tile_rows) * kTile * width);
  std::vector<uint8_t> column;
  for (uint64_t row = 0; row < count; row += tile_rows) {
    const uint64_t n = std::min(tile_rows, count - row);
    for (uint64_t c = 0; c < view.cols; c += kTile) {
      const uint64_t cols = std::min<uint64_t>(kTile, view.cols - c);
      for (uint64_t k = 0; k < cols; ++k) {
        const uint64_t from = (c + k) * stride + first + row;
        DCF_ASSIGN(const Bytes part, dense(from, from + n, &column));
        with_words(dtype, part, [&]<typename Word>(Words<Word> of_column) {
          uint8_t* to = tile.data() + k * sizeof(Word);
          for (size_t i = 0; i < n; ++i, to += kTile * sizeof(Word)) store_le(to, of_column[i]);
        });
      }
      for (uint64_t i = 0; i < n; ++i) {
        std::copy_n(tile.data() + i * kTile * width, cols * width,
                    scratch->data() + ((row + i) * view.cols + c) * width);
      }
    }
  }
  return Bytes(*scratch);
}

Status Content::extract(format::View view, uint64_t first, uint64_t count,
                        EntryBlock* block) const {
  block->offsets.clear();
  block->words.clear();
  block->negatives.clear();
  if (view.transposed && pieces == nullptr) {
    extract_transposed(view, first, count, block);
    return ok_status();
  }
  const uint64_t begin = first * view.cols;
  const uint64_t end = std::min(elements, begin + count * view.cols);
  size_t count_words = 0;
  const auto take = [&](uint64_t index, uint64_t word, Cell cell) {
    const auto offset = static_cast<uint32_t>(index - begin);
    if (cell == Cell::kNegativeZero) {
      block->negatives.push_back(offset);
      return;
    }
    if (block->offsets.size() > kMaxChunkEntries) return;
    block->offsets.push_back(offset);
    // Grown by doubling: one call of resize() per word would cost more than everything else.
    const size_t at = count_words++ * width();
    if (at == block->words.size()) block->words.resize(std::max<size_t>(1024, 2 * at));
    store_word(block->words.data() + at, width(), word);
  };
  if (view.transposed) {
    if (transposed == nullptr || transposed_cols != view.cols) {
      return fail(Code::Internal, "", "the pieces of a tensor were not transposed");
    }
    // Pruning and canonical zeros are applied already.
    DCF_TRY(transposed->visit(begin, end, [&](uint64_t index, uint64_t word) {
      const bool zero = (word & magnitude_mask(dtype)) == 0;
      take(index, word, zero ? Cell::kNegativeZero : Cell::kEntry);
    }));
  } else {
    DCF_TRY(visit(begin, end, take));
  }
  block->words.resize(count_words * width());
  return ok_status();
}

// Row r of the view is column r of the tensor taken as a matrix of view.cols rows. The elements of
// the wanted columns are visited row by row, twice: to count, and to put each in its place.
void Content::extract_transposed(format::View view, uint64_t first, uint64_t count,
                                 EntryBlock* block) const {
  const uint64_t stride = elements / view.cols;
  std::vector<uint32_t> entry_at(count + 1);
  std::vector<uint32_t> negative_at(count + 1);
  const auto visit_columns = [&](auto f) {
    // A walk over all entries is shorter than a search in every column where entries are few.
    if (row_ptr != nullptr && row_ptr[csr_rows] < view.cols) {
      visit_memory(0, elements, [&](uint64_t index, uint64_t word, Cell cell) {
        const uint64_t row = index % stride - first;  // wraps before the first row
        if (row < count)
          f(static_cast<size_t>(row), static_cast<uint32_t>(index / stride), word, cell);
      });
      return;
    }
    for (uint64_t c = 0; c < view.cols; ++c) {
      const uint64_t base = c * stride + first;
      visit_memory(base, base + count, [&](uint64_t index, uint64_t word, Cell cell) {
        f(static_cast<size_t>(index - base), static_cast<uint32_t>(c), word, cell);
      });
    }
  };
  visit_columns([&](size_t row, uint32_t, uint64_t, Cell cell) {
    ++(cell == Cell::kEntry ? entry_at : negative_at)[row + 1];
  });
  for (size_t r = 0; r < count; ++r) {
    entry_at[r + 1] += entry_at[r];
    negative_at[r + 1] += negative_at[r];
  }
  if (entry_at[count] > kMaxChunkEntries) {
    block->offsets.resize(kMaxChunkEntries + 1);
    return;
  }
  block->offsets.resize(entry_at[count]);
  block->words.resize(entry_at[count] * width());
  block->negatives.resize(negative_at[count]);
  visit_columns([&](size_t row, uint32_t c, uint64_t word, Cell cell) {
    const uint32_t offset = static_cast<uint32_t>(row) * view.cols + c;
    if (cell == Cell::kNegativeZero) {
      block->negatives[negative_at[row]++] = offset;
    } else {
      const uint32_t at = entry_at[row]++;
      block->offsets[at] = offset;
      store_word(block->words.data() + at * width(), width(), word);
    }
  });
}

}  // namespace dcf::impl::encode
