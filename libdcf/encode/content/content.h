// SPDX-License-Identifier: Apache-2.0
// A tensor ready to be coded: validated, pruned and clustered, whatever its form as input. It
// answers two questions about any range of elements: what are their words (dense positions), and
// which of them are entries (sparse positions). Nothing is expanded: CSR stays CSR, and a tensor
// that was written in pieces stays in its store.
//
// Borrows the caller's arrays and store. Immutable while chunks are read, so threads may share it.
// Only reading a store can fail (IoRead).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/dtype.h"
#include "base/words.h"
#include "encode/content/piece_store.h"
#include "format/tensor.h"

namespace dcf::impl::encode {

struct RoundedTensor;  // encode/round/grid_round.h

constexpr uint64_t kReadElements = uint64_t{1} << 16;  // that a plan reads of a content at once

// How sparse positions store an element.
enum class Cell : uint8_t {
  kZero,          // skipped; +0, or a -0 whose sign is dropped
  kNegativeZero,  // skipped; its sign is stored
  kEntry
};

// The entries of a range of view rows, in view order.
struct EntryBlock {
  std::vector<uint32_t> offsets;    // from the first element of the range
  std::vector<uint8_t> words;       // one word each
  std::vector<uint32_t> negatives;  // offsets of skipped -0
};

// The elements that pruning keeps: those above a magnitude, and all but the first of those that
// have exactly this magnitude.
struct Pruning {
  uint64_t magnitude = 0;
  uint64_t ties_from = 0;  // index of the first element of this magnitude that stays
};

struct Content {
  DType dtype = DType::kNone;
  uint32_t bits = 0;  // bits of an element
  uint64_t elements = 0;
  bool drop_signs = false;  // every skipped zero is +0

  // Which elements there are: all of them or, if row_ptr is set, the entries of a CSR matrix.
  const uint64_t* row_ptr = nullptr;
  const uint32_t* col = nullptr;
  uint64_t csr_rows = 0;
  uint64_t csr_cols = 0;

  // Their values: words, in memory or in a store, or codes if `coded`.
  bool coded = false;
  Bytes words;
  const PieceStore* pieces = nullptr;
  std::shared_ptr<const RoundedTensor> rounded;  // what `words` belong to, if they were rounded
  std::optional<Pruning> pruning;                // words only
  // The words of `pieces` that pruning keeps, in the order of a transposed view
  // (transpose_pieces()). Needed to extract from the view of that many columns.
  std::shared_ptr<const PieceStore> transposed;
  uint32_t transposed_cols = 0;
  const uint8_t* codes = nullptr;
  std::vector<uint8_t> owned_codes;  // the codes that clustering made, if any; `codes` points here
  std::array<uint64_t, 256> code_words{};
  std::array<Cell, 256> code_cells{};

  size_t width() const { return bits / 8; }  // bytes of a word
  // Whether the words that were given are the dense words as they are.
  bool is_plain() const { return row_ptr == nullptr && !coded && !pruning && !drop_signs; }
  // Whether pruning keeps the element, which is not zero.
  bool keeps(uint64_t index, uint64_t word) const {
    const uint64_t magnitude = magnitude_of(dtype, word);
    return magnitude > pruning->magnitude ||
           (magnitude == pruning->magnitude && index >= pruning->ties_from);
  }

  // Calls f(index, word, cell) for the elements of [begin, end) that are not Cell::kZero, in order.
  template <typename F>
  Status visit(uint64_t begin, uint64_t end, F f) const {
    if (pieces != nullptr && !coded) {
      return pieces->visit(begin, end, [&](uint64_t index, uint64_t word) {
        if ((word & magnitude_mask(dtype)) == 0) {
          if (!drop_signs) f(index, word, Cell::kNegativeZero);
        } else if (!pruning || keeps(index, word)) {
          f(index, word, Cell::kEntry);
        }
      });
    }
    visit_memory(begin, end, f);
    return ok_status();
  }

  // The dense words of elements [begin, end): borrowed if they are in memory, otherwise in
  // *scratch. For elements of less than a byte, begin is a multiple of 8.
  Result<Bytes> dense(uint64_t begin, uint64_t end, std::vector<uint8_t>* scratch) const;

  // The dense words of rows [first, first + count) of a view of dense positions, in its order. The
  // pieces of a tensor must have been transposed for a transposed view.
  Result<Bytes> rows(format::View view, uint64_t first, uint64_t count,
                     std::vector<uint8_t>* scratch) const;

  // The entries of rows [first, first + count) of a view. A chunk has at most kMaxChunkEntries: if
  // there are more, block->offsets has one more than that and the rest is unspecified.
  Status extract(format::View view, uint64_t first, uint64_t count, EntryBlock* block) const;

 private:
  template <typename F>
  void visit_memory(uint64_t begin, uint64_t end, F f) const {
    if (coded) {
      visit_places(begin, end, [&](uint64_t index, uint64_t k) {
        const uint8_t code = codes[k];
        if (code_cells[code] != Cell::kZero) f(index, code_words[code], code_cells[code]);
      });
      return;
    }
    const bool pruned = pruning.has_value();
    with_words(dtype, words, [&]<typename Word>(Words<Word> view) {
      const auto magnitude = static_cast<Word>(magnitude_mask(dtype));
      visit_places(begin, end, [&](uint64_t index, uint64_t k) {
        const Word word = view[k];
        if (word == 0) return;
        if ((word & magnitude) == 0) {
          if (!drop_signs) f(index, word, Cell::kNegativeZero);
        } else if (!pruned || keeps(index, word)) {
          f(index, word, Cell::kEntry);
        }
      });
    });
  }

  // Calls f(element, index of its value) for all elements of [begin, end) that have a value.
  template <typename F>
  void visit_places(uint64_t begin, uint64_t end, F f) const {
    if (row_ptr == nullptr) {
      for (uint64_t i = begin; i < end; ++i) f(i, i);
      return;
    }
    if (begin >= end) return;
    uint64_t row = begin / csr_cols;
    uint64_t row_start = row * csr_cols;
    const uint64_t last = row_ptr[csr_rows];
    uint64_t k = static_cast<uint64_t>(
        std::lower_bound(col + row_ptr[row], col + row_ptr[row + 1], begin - row_start) - col);
    for (; k < last; ++k) {
      while (k >= row_ptr[row + 1]) {
        ++row;
        row_start += csr_cols;
      }
      if (row_start + col[k] >= end) return;
      f(row_start + col[k], k);
    }
  }
  void extract_transposed(format::View view, uint64_t first, uint64_t count,
                          EntryBlock* block) const;
};

}  // namespace dcf::impl::encode
