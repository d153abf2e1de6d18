// SPDX-License-Identifier: Apache-2.0
#include "kernels/blocked.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace dcf::impl {
namespace {

// Cuts one panel of rows into cells.
class PanelPacker {
 public:
  PanelPacker(const LayerEntries& from, Blocked* to)
      : from_(from), to_(to), next_(Blocked::kPanel) {}

  void pack(uint64_t first, uint64_t last) {
    for (uint64_t row = first; row < last; ++row) next_[row - first] = from_.row_start[row];
    for (uint64_t end = Blocked::kBlock; end < to_->cols + Blocked::kBlock;
         end += Blocked::kBlock) {
      count_rows(first, last, end);
      place_rows(first, last, end - Blocked::kBlock);
      to_->cells.push_back({to_->row_list.size(), size_});
    }
  }

 private:
  void count_rows(uint64_t first, uint64_t last, uint64_t end) {
    first_of_.fill(0);
    for (uint64_t row = first; row < last; ++row) {
      fetch(next_[std::min(row + kRowsAhead, last - 1) - first]);
      const uint64_t n = count_below(next_[row - first], end);
      count_[row - first] = static_cast<uint16_t>(n);
      ++first_of_[Blocked::kBlock - n + 1];
    }
  }

  // Asks for kAtOnce entries from i on: no cache sees so many rows coming.
  void fetch([[maybe_unused]] uint64_t i) const {
#if defined(__GNUC__)
    __builtin_prefetch(from_.entries.data() + i);
    __builtin_prefetch(from_.entries.data() + i + kAtOnce - 1);
#endif
  }

  // How many entries of a row, from i on, have columns below `end`; the row's end lies beyond every
  // block.
  uint64_t count_below(uint64_t i, uint64_t end) const {
    const uint32_t mask = from_.has_codes() ? LayerEntries::kColumnMask : UINT32_MAX;
    const uint32_t* const entries = from_.entries.data() + i;
    const auto limit = static_cast<uint32_t>(end);
    uint64_t k = 0;
#if defined(__SSE2__)
    // Sixteen at a time: no branch can guess where a cell ends in a row.
    const __m128i columns = _mm_set1_epi32(static_cast<int>(mask));
    const __m128i sign = _mm_set1_epi32(INT32_MIN);
    const __m128i limits = _mm_xor_si128(_mm_set1_epi32(static_cast<int>(limit)), sign);
    const auto below = [&](const uint32_t* four) {
      const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(four));
      return _mm_cmpgt_epi32(limits, _mm_xor_si128(_mm_and_si128(v, columns), sign));
    };
    for (const uint64_t all = from_.entries.size() - i; k + kAtOnce <= all; k += kAtOnce) {
      const uint32_t* const e = entries + k;
      const __m128i low = _mm_packs_epi32(below(e), below(e + 4));
      const __m128i high = _mm_packs_epi32(below(e + 8), below(e + 12));
      const auto bits = static_cast<uint16_t>(_mm_movemask_epi8(_mm_packs_epi16(low, high)));
      if (bits != UINT16_MAX) return k + static_cast<uint64_t>(std::countr_one(bits));
    }
#endif
    while ((entries[k] & mask) < limit) ++k;
    return k;
  }

  // Longest rows first, by counting; the empty ones are left out.
  void place_rows(uint64_t first, uint64_t last, uint64_t begin) {
    for (size_t i = 1; i < first_of_.size(); ++i) first_of_[i] += first_of_[i - 1];
    for (uint64_t row = first; row < last; ++row) {
      sorted_[first_of_[Blocked::kBlock - count_[row - first]]++] =
          static_cast<uint16_t>(row - first);
    }
    for (uint64_t i = 0; i < last - first && count_[sorted_[i]] != 0; ++i) {
      const uint16_t row = sorted_[i];
      to_->row_list.push_back({row, count_[row]});
      put(next_[row], count_[row], begin);
      next_[row] += count_[row];
    }
  }

  // Entries [i, i + count), of the block that starts at column `begin`.
  void put(uint64_t i, uint64_t count, uint64_t begin) {
    uint16_t* const to = to_->entries.data() + size_;
    const uint32_t* const entries = from_.entries.data() + i;
    const auto first = static_cast<uint32_t>(begin);
    const bool codes = from_.has_codes();
    uint64_t k = 0;
    fetch(i + count + kEntriesAhead);
    // Sixteen at once: those that are too many are written over by the next row.
    const uint64_t room = std::min(to_->entries.size() - size_, from_.entries.size() - i);
    for (; k < count && k + kAtOnce <= room; k += kAtOnce) {
      for (uint64_t j = 0; j < kAtOnce; ++j) to[k + j] = packed(entries[k + j], first, codes);
    }
    for (; k < count; ++k) to[k] = packed(entries[k], first, codes);
    if (!codes) std::copy_n(from_.values.data() + i, count, to_->weights.data() + size_);
    size_ += count;
  }

  static uint16_t packed(uint32_t entry, uint32_t first, bool codes) {
    // With codes `first` is a multiple of kBlock, below which the column is.
    return static_cast<uint16_t>(codes ? ((entry - first) & (Blocked::kBlock - 1))
                                                 << Blocked::kColumnShift |
                                             entry >> LayerEntries::kColumnBits
                                       : (entry - first) << Blocked::kColumnShift);
  }

  static constexpr uint64_t kAtOnce = 16;
  static constexpr uint64_t kRowsAhead = 8;
  // Of a row, for the next block or the one after it.
  static constexpr uint64_t kEntriesAhead = 32;

  const LayerEntries& from_;
  Blocked* to_;
  uint64_t size_ = 0;  // entries put so far
  std::vector<uint64_t> next_;
  std::array<uint16_t, Blocked::kPanel> count_{};
  std::array<uint16_t, Blocked::kPanel> sorted_{};
  std::array<uint32_t, Blocked::kBlock + 2> first_of_{};
};

}  // namespace

uint64_t Blocked::bytes() const {
  return cells.size() * sizeof(Cell) + row_list.size() * sizeof(Row) +
         entries.size() * sizeof(uint16_t) + (codebook.size() + weights.size()) * sizeof(float);
}

Blocked make_blocked(const LayerEntries& entries, uint64_t first, uint64_t last) {
  Blocked b;
  b.rows = last - first;
  b.cols = entries.cols;
  b.codebook = entries.codebook;
  if (entries.has_codes()) b.codebook.resize(256);
  const uint64_t nonzeros =
      std::accumulate(entries.row_length.begin() + static_cast<std::ptrdiff_t>(first),
                      entries.row_length.begin() + static_cast<std::ptrdiff_t>(last), uint64_t{0});
  b.entries.resize(nonzeros);
  if (!entries.has_codes()) b.weights.resize(nonzeros);
  PanelPacker(entries, &b).pack(first, last);
  return b;
}

}  // namespace dcf::impl
