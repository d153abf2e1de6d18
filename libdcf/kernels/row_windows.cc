// SPDX-License-Identifier: Apache-2.0
#include "kernels/row_windows.h"

#include <algorithm>
#include <atomic>
#include <numeric>

#include "base/checked.h"
#include "kernels/part_kernel.h"
#include "kernels/row_windows_avx512.h"
#include "kernels/tile.h"

namespace dcf::impl {
namespace {

// Lanes per entry that a packing may take.
constexpr uint64_t kMostLanes = 4;

// Rows are packed in parts, each on a thread of its own if there are threads: of about so many
// entries, that its lists fill huge pages.
constexpr uint64_t kPartEntries = uint64_t{1} << 20;
constexpr uint64_t kLeastPartRows = 256;

uint64_t part_rows(const LayerEntries& entries) {
  uint64_t parts = ceil_div(entries.nonzeros + 1, kPartEntries);
  if (parts > 1) parts += parts % 2;  // two threads get the same
  return ceil_div(std::max(ceil_div(entries.rows, parts), kLeastPartRows), RowWindows::kLanes) *
         RowWindows::kLanes;
}

class RowWindowsKernel final : public PartKernel {
 public:
  RowWindowsKernel(uint64_t rows, uint64_t cols, std::vector<RowWindows> parts)
      : PartKernel(rows, cols, padded(cols)), cols_(cols), parts_(std::move(parts)) {}

  const char* name() const override {
    return parts_.front().has_codes ? "row-windows" : "row-windows-f32";
  }
  uint64_t packed_bytes() const override {
    uint64_t bytes = 0;
    for (const RowWindows& part : parts_) bytes += part.bytes();
    return bytes;
  }

 private:
  static constexpr uint64_t kLine = 16;  // floats of a cache line

  // A window may reach beyond the end of x.
  static uint64_t padded(uint64_t cols) {
    return ceil_div(cols + RowWindows::kWindow, kLine) * kLine;
  }

  size_t parts() const override { return parts_.size(); }
  void copy_sample(const float* x, float* copy) const override {
    std::copy_n(x, cols_, copy);
    std::fill_n(copy + cols_, padded(cols_) - cols_, 0.0f);
  }
  void multiply(size_t part, const float* copy, float* y) const override {
    multiply_row_windows_avx512(parts_[part], copy, y);
  }

  uint64_t cols_;
  std::vector<RowWindows> parts_;
};

// Rows [first, first + rows) by falling length: a sort by counting, as lengths are small numbers.
std::vector<uint32_t> by_length(const LayerEntries& entries, uint64_t first, uint64_t rows) {
  const uint32_t* const length = entries.row_length.data() + first;
  const uint32_t longest = *std::max_element(length, length + rows);
  std::vector<uint32_t> start(uint64_t{longest} + 2);
  for (uint64_t row = 0; row < rows; ++row) ++start[longest - length[row] + 1];
  std::partial_sum(start.begin(), start.end(), start.begin());
  std::vector<uint32_t> order(rows);
  for (uint64_t row = 0; row < rows; ++row) {
    order[start[longest - length[row]]++] = static_cast<uint32_t>(row);
  }
  return order;
}

// Packs the rows of `entries` from number `at` on. False where too many lanes would idle.
bool pack(const LayerEntries& entries, uint64_t at, RowWindows* w) {
  w->order = by_length(entries, at, w->rows);
  uint64_t nonzeros = 0;
  for (uint64_t row = at; row < at + w->rows; ++row) nonzeros += entries.row_length[row];
  const uint64_t groups = ceil_div(w->rows, RowWindows::kLanes);
  return pack_row_windows_avx512(entries, at,
                                 kMostLanes * nonzeros / RowWindows::kLanes + 2 * groups, w);
}

}  // namespace

uint64_t RowWindows::bytes() const {
  return order.size() * sizeof(uint32_t) + group_end.size() * sizeof(uint64_t) + advance.size() +
         slots.size() * sizeof(uint16_t) + columns.size() + weights.size() * sizeof(float);
}

std::unique_ptr<LayerKernel> make_row_windows(const EntrySource& source) {
  // Vectors of sixteen floats are in use where nobody asked for others.
  if (active_tile_loops().lanes != RowWindows::kLanes || !has_avx512()) return nullptr;
  const LayerEntries& shape = source.shape();
  if (shape.rows == 0) return nullptr;
  const uint64_t rows = part_rows(shape);
  std::vector<RowWindows> parts(ceil_div(shape.rows, rows));
  std::atomic<bool> fits{true};
  const bool loaded =
      source.each(0, shape.rows, rows,
                  [&](const LayerEntries& entries, uint64_t at, uint64_t first, uint64_t count) {
                    RowWindows& part = parts[first / rows];
                    part.first_row = first;
                    part.rows = count;
                    // Weights are gathered by signed numbers of 32 bits.
                    if (!fits || entries.entries.size() > INT32_MAX || !pack(entries, at, &part))
                      fits = false;
                  });
  if (!loaded || !fits) return nullptr;
  return std::make_unique<RowWindowsKernel>(shape.rows, shape.cols, std::move(parts));
}

}  // namespace dcf::impl
