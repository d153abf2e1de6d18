// SPDX-License-Identifier: Apache-2.0
#include "kernels/blocked.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <numeric>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/checked.h"

namespace dcf::impl::kernels {
namespace {

constexpr uint64_t kAtOnce = 16;

// Shortens the entries of a LayerEntries to those of a Blocked. Columns are relative to a multiple
// of kBlock.
class Shortener {
 public:
  explicit Shortener(bool codes)
      : columns_(codes ? LayerEntries::kColumnMask : UINT32_MAX), codes_(codes ? UINT8_MAX : 0) {}

  uint32_t column(uint32_t entry) const { return entry & columns_; }
  uint16_t shorten(uint32_t entry) const {
    return static_cast<uint16_t>((entry & (Blocked::kBlock - 1)) << Blocked::kColumnShift |
                                 (entry >> LayerEntries::kColumnBits & codes_));
  }

  // Shortens kAtOnce entries and returns a bit for each one whose successor lies in another block.
  // The entry after them can be read.
  uint32_t shorten_all(const uint32_t* entries, uint16_t* to) const {
#if defined(__SSE2__)
    const __m128i zero = _mm_setzero_si128();
    const __m128i blocks = set(columns_ & ~static_cast<uint32_t>(Blocked::kBlock - 1));
    const auto from = [entries](size_t i) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(entries + i));
    };
    const auto four = [&](size_t i) {
      const __m128i column = _mm_and_si128(from(i), set(Blocked::kBlock - 1));
      const __m128i code = _mm_srli_epi32(from(i), LayerEntries::kColumnBits);
      return _mm_or_si128(_mm_slli_epi32(column, Blocked::kColumnShift),
                          _mm_and_si128(code, set(codes_)));
    };
    const auto same = [&](size_t i) {
      return _mm_cmpeq_epi32(_mm_and_si128(_mm_xor_si128(from(i), from(i + 1)), blocks), zero);
    };
    for (size_t i = 0; i < kAtOnce; i += 8) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), _mm_packs_epi32(four(i), four(i + 4)));
    }
    const __m128i all_same =
        _mm_packs_epi16(_mm_packs_epi32(same(0), same(4)), _mm_packs_epi32(same(8), same(12)));
    return static_cast<uint32_t>(_mm_movemask_epi8(all_same)) ^ UINT16_MAX;
#else
    uint32_t ends = 0;
    for (size_t i = 0; i < kAtOnce; ++i) {
      to[i] = shorten(entries[i]);
      const uint32_t differ = column(entries[i] ^ entries[i + 1]);
      ends |= static_cast<uint32_t>(differ >= Blocked::kBlock) << i;
    }
    return ends;
#endif
  }

 private:
#if defined(__SSE2__)
  static __m128i set(uint32_t value) { return _mm_set1_epi32(static_cast<int>(value)); }
#endif
  static_assert((Blocked::kBlock - 1) << Blocked::kColumnShift <= INT16_MAX);

  uint32_t columns_;
  uint32_t codes_;
};

// Cuts one panel of rows into cells, one stripe of blocks at a time. A first pass goes row by row:
// it shortens the entries and finds where blocks end among them. A second pass goes block by block.
class PanelPacker {
 public:
  PanelPacker(const LayerEntries& from, uint64_t first, uint64_t rows, Blocked* to)
      : from_(from),
        shortener_(from.has_codes()),
        first_(first),
        rows_(rows),
        to_(to),
        short_(to->entries.size() + kAtOnce),
        ends_(rows * kStripe) {
    std::copy_n(from.row_start.begin() + static_cast<std::ptrdiff_t>(first), rows, next_.begin());
  }

  void pack() {
    for (uint64_t column = 0; column < from_.cols; column += kStripe * Blocked::kBlock) {
      const uint64_t end = std::min(column + kStripe * Blocked::kBlock, from_.cols);
      shorten_rows(static_cast<uint32_t>(column), static_cast<uint32_t>(end));
      for (uint64_t block = 0; column + block * Blocked::kBlock < end; ++block) {
        count_rows(block);
        place_rows();
        to_->cells.push_back({to_->row_list.size(), size_});
      }
      for (uint64_t row = 0; row < rows_; ++row) next_[row] += at_[row];
    }
  }

 private:
  void shorten_rows(uint32_t column, uint32_t end) {
    std::fill(ends_.begin(), ends_.end(), uint16_t{0});
    uint64_t size = 0;
    for (uint64_t row = 0; row < rows_; ++row) {
      start_[row] = size;
      at_[row] = 0;
      size += shorten_row(row, column, end, short_.data() + size);
    }
  }

  // Shortens the entries of a row in columns [column, end). Returns their number.
  uint64_t shorten_row(uint64_t row, uint32_t column, uint32_t end, uint16_t* to) {
    const uint32_t* const entries = from_.entries.data() + next_[row];
    const uint32_t* const next_row = from_.entries.data() + next_[std::min(row + 1, rows_ - 1)];
    // The last entry of a block leaves the number of entries so far.
    uint16_t* const ends = &ends_[row * kStripe];
    const auto leave = [&](uint64_t i) {
      ends[(shortener_.column(entries[i]) - column) / Blocked::kBlock] =
          static_cast<uint16_t>(i + 1);
    };
    const uint64_t left = from_.row_end(first_ + row) - next_[row];
    uint64_t k = 0;
    for (; k + kAtOnce <= left && shortener_.column(entries[k + kAtOnce - 1]) < end; k += kAtOnce) {
      fetch(next_row + k);  // the hardware does not prefetch the next row
      for (uint32_t bits = shortener_.shorten_all(entries + k, to + k); bits != 0;
           bits &= bits - 1) {
        leave(k + static_cast<uint64_t>(std::countr_zero(bits)));
      }
    }
    // The row-end sentinel lies beyond every stripe.
    for (; shortener_.column(entries[k]) < end; ++k) {
      to[k] = shortener_.shorten(entries[k]);
      leave(k);
    }
    return k;
  }

  static void fetch([[maybe_unused]] const void* line) {
#if defined(__GNUC__)
    __builtin_prefetch(line);
#endif
  }

  void count_rows(uint64_t block) {
    first_of_.fill(0);
    for (uint64_t row = 0; row < rows_; ++row) {
      const uint16_t end = std::max(at_[row], ends_[row * kStripe + block]);
      count_[row] = static_cast<uint16_t>(end - at_[row]);
      ++first_of_[Blocked::kBlock - count_[row] + 1];
    }
  }

  // Sorts the rows by counting, longest first; empty rows are left out.
  void place_rows() {
    for (size_t i = 1; i < first_of_.size(); ++i) first_of_[i] += first_of_[i - 1];
    for (uint64_t row = 0; row < rows_; ++row) {
      sorted_[first_of_[Blocked::kBlock - count_[row]]++] = static_cast<uint16_t>(row);
    }
    const uint64_t listed = to_->row_list.size();
    to_->row_list.resize(listed + rows_);
    Blocked::Row* list = to_->row_list.data() + listed;
    uint64_t size = size_;
    for (uint64_t i = 0; i < rows_ && count_[sorted_[i]] != 0; ++i) {
      const uint16_t row = sorted_[i];
      const uint16_t soon = sorted_[std::min(i + kRowsAhead, rows_ - 1)];
      fetch(short_.data() + start_[soon] + at_[soon]);
      const uint16_t count = count_[row];
      *list++ = {row, count};
      put(row, count, size);
      at_[row] = static_cast<uint16_t>(at_[row] + count);
      size += count;
    }
    size_ = size;
    to_->row_list.resize(static_cast<uint64_t>(list - to_->row_list.data()));
  }

  void put(uint16_t row, uint64_t count, uint64_t place) {
    uint16_t* const to = to_->entries.data() + place;
    const uint16_t* const from = short_.data() + start_[row] + at_[row];
    uint64_t k = 0;
    // Entries beyond the last one of the row are overwritten by the next row.
    for (const uint64_t room = to_->entries.size() - place; k < count && k + kAtOnce <= room;
         k += kAtOnce) {
      std::memcpy(to + k, from + k, kAtOnce * sizeof *to);
    }
    for (; k < count; ++k) to[k] = from[k];
    if (!from_.has_codes()) {
      std::copy_n(from_.values.data() + next_[row] + at_[row], count, to_->weights.data() + place);
    }
  }

  static constexpr uint64_t kRowsAhead = 8;
  static constexpr uint64_t kStripe = 32;  // blocks; their ends in a row fill a cache line
  static_assert(kStripe * Blocked::kBlock <= UINT16_MAX);

  const LayerEntries& from_;
  const Shortener shortener_;
  const uint64_t first_;
  const uint64_t rows_;
  Blocked* const to_;
  uint64_t size_ = 0;                             // entries written so far
  BigVector<uint16_t> short_;                     // the stripe's entries, row by row
  BigVector<uint16_t> ends_;                      // per row and block: where its entries end, or 0
  std::array<uint64_t, Blocked::kPanel> next_{};  // per row: its first entry of the stripe in from_
  std::array<uint64_t, Blocked::kPanel> start_{};  // per row: its first entry in short_
  std::array<uint16_t, Blocked::kPanel> at_{};     // per row: entries of short_ written so far
  std::array<uint16_t, Blocked::kPanel> count_{};
  std::array<uint16_t, Blocked::kPanel> sorted_{};
  std::array<uint32_t, Blocked::kBlock + 2> first_of_{};
};

}  // namespace

uint64_t Blocked::bytes() const {
  return cells.capacity() * sizeof(Cell) + row_list.capacity() * sizeof(Row) +
         entries.capacity() * sizeof(uint16_t) +
         (codebook.capacity() + weights.capacity()) * sizeof(float);
}

Blocked make_blocked(const LayerEntries& entries, uint64_t first, uint64_t last) {
  Blocked b;
  b.cells.reserve(ceil_div(entries.cols, Blocked::kBlock));
  b.codebook = entries.codebook;
  if (entries.has_codes()) b.codebook.resize(256);
  const uint64_t nonzeros =
      std::accumulate(entries.row_length.begin() + static_cast<std::ptrdiff_t>(first),
                      entries.row_length.begin() + static_cast<std::ptrdiff_t>(last), uint64_t{0});
  b.entries.resize(nonzeros);
  if (!entries.has_codes()) b.weights.resize(nonzeros);
  PanelPacker(entries, first, last - first, &b).pack();
  return b;
}

}  // namespace dcf::impl::kernels
