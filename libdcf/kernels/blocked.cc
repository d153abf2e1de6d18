// SPDX-License-Identifier: Apache-2.0
#include "kernels/blocked.h"

#include <algorithm>
#include <array>
#include <numeric>

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
      to_->cell_end.push_back(to_->row_list.size());
    }
  }

 private:
  void count_rows(uint64_t first, uint64_t last, uint64_t end) {
    first_of_.fill(0);
    for (uint64_t row = first; row < last; ++row) {
      const uint64_t start = next_[row - first];
      uint64_t i = start;
      while (from_.column(i) < end) ++i;  // the row's end lies beyond every block
      count_[row - first] = static_cast<uint16_t>(i - start);
      ++first_of_[Blocked::kBlock - (i - start) + 1];
    }
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
    if (from_.has_codes()) {
      for (uint64_t k = 0; k < count; ++k) {
        const uint32_t column = (entries[k] & LayerEntries::kColumnMask) - first;
        to[k] = static_cast<uint16_t>(column | entries[k] >> LayerEntries::kColumnBits
                                                                 << Blocked::kCodeShift);
      }
    } else {
      for (uint64_t k = 0; k < count; ++k) to[k] = static_cast<uint16_t>(entries[k] - first);
      std::copy_n(from_.values.data() + i, count, to_->weights.data() + size_);
    }
    size_ += count;
  }

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
  return cell_end.size() * sizeof(uint64_t) + row_list.size() * sizeof(Row) +
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
