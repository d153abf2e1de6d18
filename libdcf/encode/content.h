// SPDX-License-Identifier: Apache-2.0
// A tensor ready to be coded: validated, pruned and clustered, whatever form it came in. It answers
// two questions about any range of elements: which words do they have (dense positions), and which
// of them are entries (sparse positions). Nothing is expanded: CSR stays CSR.
//
// Borrows the caller's arrays. Immutable after it is built, so threads may share it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/dtype.h"
#include "encode/words.h"
#include "format/tensor.h"

namespace dcf::impl {

// What one element is to sparse positions.
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

struct Content {
  DType dtype = DType::kNone;
  uint32_t bits = 0;  // of an element
  uint64_t elements = 0;
  bool drop_signs = false;  // every skipped zero is +0

  // Where: every element or, if row_ptr is set, the entries of a CSR matrix.
  const uint64_t* row_ptr = nullptr;
  const uint32_t* col = nullptr;
  uint64_t csr_rows = 0;
  uint64_t csr_cols = 0;

  // What: words, or codes if coded.
  bool coded = false;
  Bytes words;
  std::vector<uint64_t> keep;  // words: bit i set where element i was not pruned; empty: none was
  const uint8_t* codes = nullptr;
  std::vector<uint8_t> owned_codes;  // where `codes` points if the clustering made them
  std::array<uint64_t, 256> code_words{};
  std::array<Cell, 256> code_cells{};

  size_t width() const { return bits / 8; }  // bytes of a word

  // Calls f(index, word, cell) for the elements of [begin, end) that are not Cell::kZero, in order.
  template <typename F>
  void visit(uint64_t begin, uint64_t end, F f) const {
    if (coded) {
      visit_places(begin, end, [&](uint64_t index, uint64_t k) {
        const uint8_t code = codes[k];
        if (code_cells[code] != Cell::kZero) f(index, code_words[code], code_cells[code]);
      });
      return;
    }
    const bool pruned = !keep.empty();
    with_words(dtype, words, [&]<typename Word>(Words<Word> view) {
      const auto magnitude = static_cast<Word>(magnitude_mask(dtype));
      visit_places(begin, end, [&](uint64_t index, uint64_t k) {
        const Word word = view[k];
        if (word == 0) return;
        if ((word & magnitude) == 0) {
          if (!drop_signs) f(index, word, Cell::kNegativeZero);
        } else if (!pruned || (keep[index / 64] >> (index % 64) & 1) != 0) {
          f(index, word, Cell::kEntry);
        }
      });
    });
  }

  // The dense words of elements [begin, end): borrowed where they are at hand, else in *scratch.
  // begin is a multiple of 8 for elements of less than a byte.
  Bytes dense(uint64_t begin, uint64_t end, std::vector<uint8_t>* scratch) const;

  // The entries of rows [first, first + count) of a view.
  void extract(View view, uint64_t first, uint64_t count, EntryBlock* block) const;

 private:
  // f(element, place of its value) for all elements of [begin, end) that have a value.
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
  void extract_transposed(View view, uint64_t first, uint64_t count, EntryBlock* block) const;
};

}  // namespace dcf::impl
