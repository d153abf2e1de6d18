// SPDX-License-Identifier: Apache-2.0
#include "kernels/row_windows.h"

#include <algorithm>
#include <numeric>

#include "base/checked.h"
#include "kernels/aligned.h"
#include "kernels/row_windows_avx512.h"
#include "kernels/tile.h"

namespace dcf::impl {
namespace {

// Lanes per entry that a packing may take.
constexpr uint64_t kMostLanes = 4;

class RowWindowsKernel final : public LayerKernel {
 public:
  explicit RowWindowsKernel(RowWindows windows) : w_(std::move(windows)) {}

  const char* name() const override { return w_.has_codes() ? "row-windows" : "row-windows-f32"; }
  uint64_t packed_bytes() const override {
    return w_.order.size() * sizeof(uint32_t) + w_.group_end.size() * sizeof(uint64_t) +
           w_.advance.size() + w_.slots.size() * sizeof(uint16_t) + w_.columns.size() +
           w_.weights.size() * sizeof(float);
  }
  uint64_t working_bytes(uint64_t batch, const Parallel&) const override {
    return std::min(batch, kSamplesAtOnce) * padded() * sizeof(float);
  }
  void apply(const float* x, uint64_t batch, float* y, const Parallel& parallel) const override {
    const AlignedFloats copies(std::min(batch, kSamplesAtOnce) * padded());
    for (uint64_t first = 0; first < batch; first += kSamplesAtOnce) {
      const uint64_t count = std::min(kSamplesAtOnce, batch - first);
      multiply(x + first * w_.cols, count, copies.data(), y + first * w_.rows, parallel);
    }
  }

 private:
  static constexpr uint64_t kSamplesAtOnce = 16;
  static constexpr uint64_t kGroupsAtOnce = 32;
  static constexpr uint64_t kLine = 16;  // floats of a cache line

  // A window may reach beyond the end of x.
  uint64_t padded() const { return ceil_div(w_.cols + RowWindows::kWindow, kLine) * kLine; }

  void multiply(const float* x, uint64_t batch, float* copies, float* y,
                const Parallel& parallel) const {
    for (uint64_t b = 0; b < batch; ++b) {
      float* const copy = copies + b * padded();
      std::copy_n(x + b * w_.cols, w_.cols, copy);
      std::fill_n(copy + w_.cols, padded() - w_.cols, 0.0f);
    }
    const uint64_t groups = w_.group_end.size();
    parallel.run(batch * ceil_div(groups, kGroupsAtOnce), [&](size_t item) {
      const uint64_t b = item % batch;
      const uint64_t first = item / batch * kGroupsAtOnce;
      multiply_row_windows_avx512(w_, first, std::min(first + kGroupsAtOnce, groups),
                                  copies + b * padded(), y + b * w_.rows);
    });
  }

  RowWindows w_;
};

// Rows by falling length: a sort by counting, as lengths are small numbers.
std::vector<uint32_t> by_length(const LayerEntries& entries) {
  const auto length = [&](uint64_t row) {
    return entries.row_start[row + 1] - entries.row_start[row] - 1;
  };
  uint64_t longest = 0;
  for (uint64_t row = 0; row < entries.rows; ++row) longest = std::max(longest, length(row));
  std::vector<uint32_t> first(longest + 2);
  for (uint64_t row = 0; row < entries.rows; ++row) ++first[longest - length(row) + 1];
  std::partial_sum(first.begin(), first.end(), first.begin());
  std::vector<uint32_t> order(entries.rows);
  for (uint64_t row = 0; row < entries.rows; ++row) {
    order[first[longest - length(row)]++] = static_cast<uint32_t>(row);
  }
  return order;
}

}  // namespace

std::unique_ptr<LayerKernel> make_row_windows(const LayerEntries& entries) {
  // Vectors of sixteen floats are in use where nobody asked for others.
  if (active_tile_loops().lanes != RowWindows::kLanes || !has_avx512()) return nullptr;
  // Entries are gathered by signed numbers of 32 bits.
  if (entries.rows == 0 || entries.entries.size() > INT32_MAX) return nullptr;
  RowWindows w;
  w.rows = entries.rows;
  w.cols = entries.cols;
  w.order = by_length(entries);
  const uint64_t groups = (entries.rows + RowWindows::kLanes - 1) / RowWindows::kLanes;
  const uint64_t most = kMostLanes * entries.nonzeros() / RowWindows::kLanes + 2 * groups;
  if (!pack_row_windows_avx512(entries, most, &w)) return nullptr;
  return std::make_unique<RowWindowsKernel>(std::move(w));
}

}  // namespace dcf::impl
