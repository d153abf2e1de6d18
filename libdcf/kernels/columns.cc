// SPDX-License-Identifier: Apache-2.0
#include "kernels/columns.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "kernels/aligned.h"
#include "kernels/matrix.h"
#include "kernels/tasks.h"

namespace dcf::impl::kernels {
namespace {

constexpr uint64_t kGroup = Columns::kGroup;
// The most places in groups per entry: a packing that would need more does not pay.
constexpr uint64_t kMostRowsOfGroups = 2;
// Entries of a range of columns, about. Each range is work for one thread.
constexpr uint64_t kPartEntries = uint64_t{1} << 19;
constexpr uint64_t kMostRanges = 8;

// Packs a part, one strip of columns after another. The entries of a strip are sorted by counting.
class Packer {
 public:
  Packer(const LayerEntries& e, bool groups, Columns* part)
      : e_(e), codes_(groups ? e.codebook.size() : 1), c_(*part), groups_(groups) {}

  void pack() {
    const uint64_t last = c_.first_col + c_.cols;
    uint64_t nonzeros = 0;
    for (uint64_t row = c_.first_row; row < c_.first_row + c_.rows; ++row) {
      cursor_.push_back(find(row, c_.first_col));
      nonzeros += find(row, last) - cursor_.back();
    }
    // An upper bound: no code of a column has more than one group that is not full.
    resize(groups_ ? std::min(nonzeros, nonzeros / kGroup + c_.cols * codes_) : nonzeros);
    c_.column_end.reserve(c_.cols);
    for (uint64_t first = c_.first_col; first < last; first += kStrip) {
      pack_strip(static_cast<uint32_t>(first), std::min(first + kStrip, last));
    }
    resize(size_);
  }

 private:
  static constexpr uint64_t kStrip = 512;  // columns

  // The first entry of the row that is not left of the column.
  uint64_t find(uint64_t row, uint64_t column) const {
    const uint32_t* const entries = e_.entries.data();
    const uint32_t mask = e_.has_codes() ? LayerEntries::kColumnMask : UINT32_MAX;
    const uint32_t* const found =
        std::partition_point(entries + e_.row_start[row], entries + e_.row_end(row),
                             [&](uint32_t entry) { return (entry & mask) < column; });
    return static_cast<uint64_t>(found - entries);
  }

  void resize(uint64_t size) {
    c_.row_of.resize(groups_ ? size * kGroup : size);
    if (groups_) {
      c_.codes.resize(size);
    } else {
      c_.weights.resize(size);
    }
  }

  void pack_strip(uint32_t first, uint64_t last) {
    next_.assign((last - first) * codes_, 0);
    for (uint64_t i : cursor_) {
      for (; e_.column(i) < last; ++i) ++next_[place(i, first)];
    }
    for (uint64_t at = 0; at < next_.size(); at += codes_) {
      for (uint64_t code = 0; code < codes_; ++code) make_room(code, &next_[at + code]);
      c_.column_end.push_back(static_cast<uint32_t>(size_));
    }
    for (uint64_t row = 0; row < c_.rows; ++row) {
      for (uint64_t& i = cursor_[row]; e_.column(i) < last; ++i) {
        const uint64_t to = next_[place(i, first)]++;
        c_.row_of[to] = static_cast<uint16_t>(row);
        if (!groups_) c_.weights[to] = e_.weight(i);
      }
    }
  }

  uint64_t place(uint64_t i, uint32_t first) const {
    const uint64_t column = e_.column(i) - first;
    return groups_ ? column * codes_ + (e_.entries[i] >> LayerEntries::kColumnBits) : column;
  }

  // Makes room for *next entries of a column and code. Afterwards *next is where the first goes.
  void make_room(uint64_t code, uint32_t* next) {
    const uint64_t count = *next;
    *next = static_cast<uint32_t>(groups_ ? size_ * kGroup : size_);
    if (groups_ && count != 0) {
      make_groups(code, ceil_div(count, kGroup));
    } else {
      size_ += count;
    }
  }

  void make_groups(uint64_t code, uint64_t count) {
    std::fill_n(c_.codes.data() + size_, count, static_cast<uint8_t>(code));
    size_ += count;
    // The rows after the last are used in turn, so that additions need not wait for each other.
    for (uint64_t i = (size_ - 1) * kGroup; i < size_ * kGroup; ++i) {
      c_.row_of[i] = static_cast<uint16_t>(c_.rows + i % Columns::kSpill);
    }
  }

  const LayerEntries& e_;
  uint64_t codes_;  // number of codes that the entries of a column are sorted by
  Columns& c_;
  bool groups_;
  uint64_t size_ = 0;             // groups or entries so far
  std::vector<uint64_t> cursor_;  // per row: its first entry right of the strips so far
  std::vector<uint32_t> next_;    // per column and code of the strip: see make_room()
};

// Prefetches the elements of `list` for the column. The list has kEach elements per group or entry.
template <uint64_t kEach, typename T>
void prefetch([[maybe_unused]] const BigVector<T>& list, const Columns& part, uint64_t column) {
  constexpr uint64_t kLine = 64 / sizeof(T);
  const uint64_t end = part.column_end[column] * kEach;
  for (uint64_t i = part.begin(column) * kEach; i < end; i += kLine) {
#if defined(__GNUC__)
    __builtin_prefetch(list.data() + i);
#endif
  }
}

class ColumnsKernel final : public LayerKernel {
 public:
  // parts: all ranges of the first block of rows, then those of the next.
  ColumnsKernel(const LayerEntries& e, bool groups, uint64_t ranges, std::vector<Columns> parts)
      : rows_(e.rows), cols_(e.cols), groups_(groups), ranges_(ranges), parts_(std::move(parts)) {
    if (groups) std::copy(e.codebook.begin(), e.codebook.end(), codebook_);
  }

  const char* name() const override { return groups_ ? "columns" : "columns-f32"; }
  uint64_t packed_bytes() const override {
    uint64_t bytes = 0;
    for (const Columns& part : parts_) bytes += part.bytes();
    return bytes;
  }
  uint64_t working_bytes(uint64_t batch, const Parallel& parallel) const override {
    const uint64_t items = std::min(batch, kSamplesAtOnce) * parts_.size();
    const uint64_t lists = std::min<uint64_t>(parallel.width(), items);
    return items * sums_size() * sizeof(float) +
           lists * (parts_.front().cols + kAhead) * sizeof(uint32_t);
  }

  void apply(const float* x, uint64_t batch, float* y, const Parallel& parallel,
             const Epilogue& epilogue) const override {
    const uint64_t sample_size = parts_.size() * sums_size();
    const AlignedFloats sums(std::min(batch, kSamplesAtOnce) * sample_size);
    for (uint64_t first = 0; first < batch; first += kSamplesAtOnce) {
      const uint64_t count = std::min(kSamplesAtOnce, batch - first);
      run_tasks(parallel, count * parts_.size(), [&](size_t item) {
        const uint64_t b = item % count;
        const uint64_t part = item / count;
        multiply(parts_[part], x + (first + b) * cols_,
                 sums.data() + b * sample_size + part * sums_size());
      });
      for (uint64_t b = 0; b < count; ++b) {
        add_ranges(sums.data() + b * sample_size, epilogue, y + (first + b) * rows_);
      }
    }
  }

 private:
  static constexpr uint64_t kSamplesAtOnce = 8;
  static constexpr uint64_t kAhead = 2;  // columns that are prefetched before they are multiplied

  // Floats of the sums of a part, a multiple of a cache line. The first block has the most rows.
  uint64_t sums_size() const { return ceil_div(parts_.front().rows, 16) * 16 + Columns::kSpill; }

  // y: sums_size() floats.
  void multiply(const Columns& part, const float* x, float* y) const {
    BigVector<uint32_t> active(part.cols + kAhead);
    x += part.first_col;
    uint64_t count = 0;
    for (uint64_t c = 0; c < part.cols; ++c) {
      active[count] = static_cast<uint32_t>(c);
      count += x[c] != 0 ? 1 : 0;
    }
    std::fill_n(active.data() + count, kAhead, 0);
    std::fill_n(y, sums_size(), 0.0f);
    for (uint64_t i = 0; i < count; ++i) {
      const uint32_t column = active[i];
      if (groups_) {
        prefetch<kGroup>(part.row_of, part, active[i + kAhead]);
        prefetch<1>(part.codes, part, active[i + kAhead]);
        add_groups(part, column, x[column], y);
      } else {
        prefetch<1>(part.row_of, part, active[i + kAhead]);
        prefetch<1>(part.weights, part, active[i + kAhead]);
        add_weights(part, column, x[column], y);
      }
    }
  }

  void add_groups(const Columns& part, uint64_t column, float x, float* y) const {
    const uint16_t* rows = part.row_of.data() + part.begin(column) * kGroup;
    for (uint64_t i = part.begin(column); i < part.column_end[column]; ++i, rows += kGroup) {
      const float product = codebook_[part.codes[i]] * x;
      for (size_t j = 0; j < kGroup; ++j) y[rows[j]] += product;
    }
  }

  static void add_weights(const Columns& part, uint64_t column, float x, float* y) {
    for (uint64_t i = part.begin(column); i < part.column_end[column]; ++i) {
      y[part.row_of[i]] += part.weights[i] * x;
    }
  }

  void add_ranges(const float* sums, const Epilogue& epilogue, float* y) const {
    for (size_t part = 0; part < parts_.size(); ++part, sums += sums_size()) {
      float* const to = y + parts_[part].first_row;
      if (part % ranges_ == 0) {
        std::copy_n(sums, parts_[part].rows, to);
      } else {
        for (uint64_t row = 0; row < parts_[part].rows; ++row) to[row] += sums[row];
      }
      if ((part + 1) % ranges_ == 0) {
        epilogue.finish_rows(to, parts_[part].rows, parts_[part].first_row);
      }
    }
  }

  uint64_t rows_;
  uint64_t cols_;
  bool groups_;
  uint64_t ranges_;
  std::vector<Columns> parts_;
  float codebook_[Columns::kCodes] = {};
};

// The ranges of rows and columns of all parts, without entries.
std::vector<Columns> cut(const LayerEntries& e, uint64_t block_rows, uint64_t range_cols) {
  std::vector<Columns> parts;
  for (uint64_t row = 0; row < e.rows; row += block_rows) {
    for (uint64_t col = 0; col < e.cols; col += range_cols) {
      Columns& part = parts.emplace_back();
      part.first_row = row;
      part.rows = std::min(block_rows, e.rows - row);
      part.first_col = col;
      part.cols = std::min(range_cols, e.cols - col);
    }
  }
  return parts;
}

// False if groups would be mostly empty, or a weight is not finite.
bool pack(const LayerEntries& e, bool groups, const Parallel& parallel,
          std::vector<Columns>* parts) {
  run_tasks(parallel, parts->size(), [&](size_t i) { Packer(e, groups, &(*parts)[i]).pack(); });
  uint64_t rows = 0;
  for (const Columns& part : *parts) {
    rows += part.row_of.size();
    if (!all_finite(part.weights.data(), part.weights.size())) return false;
  }
  return rows <= kMostRowsOfGroups * e.nonzeros;
}

}  // namespace

uint64_t Columns::bytes() const {
  return column_end.capacity() * sizeof(uint32_t) + row_of.capacity() * sizeof(uint16_t) +
         codes.capacity() + weights.capacity() * sizeof(float);
}

bool columns_possible(const LayerEntries& shape) {
  if (shape.nonzeros == 0 || shape.nonzeros > UINT32_MAX / kGroup) return false;
  const uint64_t blocks = ceil_div(shape.rows, Columns::kMostRows);
  // There are at most as many ends of columns in blocks as entries, so that the entries bound the
  // memory.
  uint64_t ends = 0;
  if (!checked_mul(blocks, shape.cols, &ends) || ends > shape.nonzeros) return false;
  return all_finite(shape.codebook.data(), shape.codebook.size());
}

std::unique_ptr<LayerKernel> make_columns(const LayerEntries& e, const Parallel& parallel) {
  if (!columns_possible(e)) return nullptr;
  const uint64_t blocks = ceil_div(e.rows, Columns::kMostRows);
  const uint64_t wanted = std::min(ceil_div(e.nonzeros, blocks * kPartEntries), kMostRanges);
  const uint64_t range_cols = ceil_div(e.cols, wanted);
  for (const bool groups : {true, false}) {
    if (groups && (!e.has_codes() || e.codebook.size() > Columns::kCodes)) continue;
    std::vector<Columns> parts = cut(e, ceil_div(e.rows, blocks), range_cols);
    if (!pack(e, groups, parallel, &parts)) continue;
    return std::make_unique<ColumnsKernel>(e, groups, ceil_div(e.cols, range_cols),
                                           std::move(parts));
  }
  return nullptr;
}

}  // namespace dcf::impl::kernels
