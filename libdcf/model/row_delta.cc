// SPDX-License-Identifier: Apache-2.0
#include "model/row_delta.h"

#include <algorithm>

namespace dcf::impl::model {
namespace {

// Between a float and its key less that of +0 (spec, section 5.2), both ways: without a sign they
// are the same, with one all other bits are inverted.
template <typename T>
T swap_key(T word) {
  constexpr T kTop = static_cast<T>(T{1} << (8 * sizeof(T) - 1));
  return (word & kTop) != 0 ? static_cast<T>(word ^ (kTop - 1)) : word;
}

template <typename T>
void add_word(uint8_t* to, T word) {
  store_le(to, static_cast<T>(load_le<T>(to) + word));
}

// Adds to elements [begin, end) of a row the element `distance` before each. A sum that goes on
// from element to element stays in a register.
template <typename T>
void add_run(uint8_t* row, size_t begin, size_t end, size_t distance) {
  if (distance == 1) {
    T sum = load_le<T>(row + (begin - 1) * sizeof(T));
    for (size_t i = begin; i < end; ++i) {
      sum = static_cast<T>(sum + load_le<T>(row + i * sizeof(T)));
      store_le(row + i * sizeof(T), sum);
    }
    return;
  }
  for (size_t i = begin; i < end; ++i) {
    add_word(row + i * sizeof(T), load_le<T>(row + (i - distance) * sizeof(T)));
  }
}

}  // namespace

RowDelta::RowDelta(const format::Encoding& encoding, Bytes predictors)
    : run_(encoding.delta_run), distance_of_(predictors.size()) {
  for (size_t u = 0; u < predictors.size(); ++u) {
    if (predictors[u] != 0) distance_of_[u] = encoding.distances[predictors[u] - 1u];
  }
}

uint64_t RowDelta::memory(const format::Encoding& encoding) {
  return encoding.delta_units == 0
             ? 0
             : sizeof(RowDelta) + uint64_t{encoding.delta_units} * sizeof(uint32_t);
}

template <typename T>
void RowDelta::undo_words(bool is_float, uint64_t first, size_t cols, MutableBytes words) const {
  const size_t n = words.size() / sizeof(T);
  size_t unit = static_cast<size_t>(first / run_ % distance_of_.size());
  uint64_t left = run_ - first % run_;  // elements of the unit
  const auto next_unit = [&] {
    unit = unit + 1 == distance_of_.size() ? 0 : unit + 1;
    left = run_;
  };
  for (size_t start = 0; start < n; start += cols) {
    const size_t end = std::min(cols, n - start);
    uint8_t* const row = words.data() + start * sizeof(T);
    if (run_ == 1) {
      const uint32_t* const distances = distance_of_.data();
      const size_t units = distance_of_.size();
      for (size_t i = 0; i < end; ++i) {
        const size_t d = distances[unit];
        unit = unit + 1 == units ? 0 : unit + 1;
        // Without an earlier element the word itself is read, and nothing is added.
        const bool has = d - 1 < i;
        const T before = load_le<T>(row + (has ? i - d : i) * sizeof(T));
        add_word(row + i * sizeof(T), static_cast<T>(has ? before : T{0}));
      }
      continue;
    }
    for (size_t i = 0; i < end;) {
      const auto length = static_cast<size_t>(std::min<uint64_t>(left, end - i));
      const size_t d = distance_of_[unit];
      if (d != 0 && d < i + length) add_run<T>(row, std::max(i, d), i + length, d);
      i += length;
      left -= length;
      if (left == 0) next_unit();
    }
  }
  if (!is_float) return;
  for (size_t i = 0; i < n; ++i) {
    uint8_t* const word = words.data() + i * sizeof(T);
    store_le(word, swap_key(load_le<T>(word)));
  }
}

void RowDelta::undo(DType dtype, uint64_t first, uint32_t cols, MutableBytes words) const {
  switch (dtype_bits(dtype)) {
    case 8:
      return undo_words<uint8_t>(is_float(dtype), first, cols, words);
    case 16:
      return undo_words<uint16_t>(is_float(dtype), first, cols, words);
    case 32:
      return undo_words<uint32_t>(is_float(dtype), first, cols, words);
    default:
      return undo_words<uint64_t>(is_float(dtype), first, cols, words);
  }
}

}  // namespace dcf::impl::model
