// SPDX-License-Identifier: Apache-2.0
#include "kernels/row_windows.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <numeric>

#include "base/checked.h"
#include "kernels/part_kernel.h"
#include "kernels/row_windows_loops.h"

namespace dcf::impl::kernels {
namespace {

// The most lanes per entry: a packing that would need more does not pay.
constexpr uint64_t kMostLanes = 4;

// Initial reservation, in sixteenths of the limit: random rows fill about 7/16 of its lanes.
constexpr uint64_t kExpected = 7;

// Entries of a piece, about. A piece is the groups of rows that one task multiplies.
constexpr uint64_t kPieceEntries = uint64_t{1} << 18;

constexpr auto kFamily = std::to_array<const RowWindowLoops*>({
  &kScalarRowWindowLoops,
#if defined(__x86_64__)
      &kAvx512bwRowWindowLoops,
#endif
});

struct Piece {
  size_t run;
  uint64_t first;  // groups [first, last) of the run
  uint64_t last;
};

std::vector<Piece> cut(const std::vector<RowWindows>& runs) {
  std::vector<Piece> pieces;
  for (size_t i = 0; i < runs.size(); ++i) {
    const uint64_t groups = runs[i].group_end.size();
    const uint64_t entries = runs[i].steps() * RowWindows::kLanes;
    const uint64_t n = std::clamp<uint64_t>(entries / kPieceEntries, 1, groups);
    for (uint64_t k = 0; k < n; ++k) pieces.push_back({i, groups * k / n, groups * (k + 1) / n});
  }
  return pieces;
}

class RowWindowsKernel final : public PartKernel {
 public:
  RowWindowsKernel(uint64_t rows, uint64_t cols, const RowWindowLoops& loops,
                   std::vector<RowWindows> runs)
      : PartKernel(rows, cols, padded(cols)),
        loops_(loops),
        cols_(cols),
        runs_(std::move(runs)),
        pieces_(cut(runs_)) {}

  const char* name() const override {
    return runs_.front().has_codes ? "row-windows" : "row-windows-f32";
  }
  uint64_t packed_bytes() const override {
    uint64_t bytes = 0;
    for (const RowWindows& run : runs_) bytes += run.bytes();
    return bytes;
  }

 private:
  static constexpr uint64_t kLine = 16;  // floats of a cache line

  // A window may reach beyond the end of x.
  static uint64_t padded(uint64_t cols) {
    return ceil_div(cols + RowWindows::kWindow, kLine) * kLine;
  }

  size_t parts() const override { return pieces_.size(); }
  void copy_sample(const float* x, float* copy) const override {
    std::copy_n(x, cols_, copy);
    std::fill_n(copy + cols_, padded(cols_) - cols_, 0.0f);
  }
  void multiply(size_t part, const float* copy, const Epilogue& epilogue, float* y) const override {
    const Piece& piece = pieces_[part];
    loops_.multiply(runs_[piece.run], piece.first, piece.last, copy, epilogue, y);
  }

  const RowWindowLoops& loops_;
  uint64_t cols_;
  std::vector<RowWindows> runs_;  // each packed by one thread
  std::vector<Piece> pieces_;
};

// Rows [first, first + rows), longest first. A counting sort, as lengths are small numbers.
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

uint64_t most_steps(uint64_t nonzeros) {
  return kMostLanes * nonzeros / RowWindows::kLanes;
}

// Packs rows [at, at + count) of `entries`. False if too many lanes would idle.
bool pack(const RowWindowLoops& loops, const LayerEntries& entries, uint64_t at, uint64_t count,
          RowWindows* w) {
  const std::vector<uint32_t> order = by_length(entries, at, count);
  uint64_t nonzeros = 0;
  for (uint64_t row = at; row < at + count; ++row) nonzeros += entries.row_length[row];
  const uint64_t groups = ceil_div(count, RowWindows::kLanes);
  const uint64_t most = w->steps() + most_steps(nonzeros) + 2 * groups;
  if (!loops.pack(entries, at, order, most, w)) return false;
  for (const uint32_t row : order) w->order.push_back(static_cast<uint32_t>(w->rows) + row);
  w->rows += count;
  return true;
}

}  // namespace

void RowWindows::resize_steps(uint64_t steps) {
  advance.resize(steps);
  if (has_codes) {
    slots.resize(steps * kLanes);
  } else {
    columns.resize(steps * kLanes);
    weights.resize(steps * kLanes);
  }
}

uint64_t RowWindows::bytes() const {
  return order.capacity() * sizeof(uint32_t) + group_end.capacity() * sizeof(uint64_t) +
         advance.capacity() + slots.capacity() * sizeof(uint16_t) + columns.capacity() +
         weights.capacity() * sizeof(float);
}

std::vector<const RowWindowLoops*> available_row_window_loops() {
  return kernels_in<RowWindowLoops>(kFamily, detected_cpu_sets());
}

const RowWindowLoops& active_row_window_loops() {
  static const RowWindowLoops& active = best_kernels<RowWindowLoops>(kFamily);
  return active;
}

bool row_windows_pay() {
  return active_row_window_loops().set != CpuSet::kScalar;
}

std::unique_ptr<LayerKernel> make_row_windows(const EntrySource& source,
                                              const RowWindowLoops& loops) {
  const LayerEntries& shape = source.shape();
  if (shape.rows == 0) return nullptr;
  const RowSteps steps = source.run_per_thread(RowWindows::kSorted);
  std::vector<RowWindows> runs(ceil_div(shape.rows, steps.run));
  for (size_t i = 0; i < runs.size(); ++i) {
    RowWindows& run = runs[i];
    run.first_row = i * steps.run;
    run.has_codes = shape.has_codes() && shape.codebook.size() <= RowWindows::kCodes;
    if (run.has_codes) std::copy(shape.codebook.begin(), shape.codebook.end(), run.codebook);
  }
  std::atomic<bool> fits{true};
  const bool loaded = source.each(
      0, shape.rows, steps,
      [&](const LayerEntries& entries, uint64_t at, uint64_t first, uint64_t count) {
        if (!fits) return;
        RowWindows& run = runs[first / steps.run];
        if (run.rows == 0)
          run.resize_steps(most_steps(shape.nonzeros / runs.size()) * kExpected / 16);
        // The gather of weights takes signed 32-bit indices.
        if (entries.entries.size() > INT32_MAX || !pack(loops, entries, at, count, &run))
          fits = false;
      });
  if (!loaded || !fits) return nullptr;
  for (RowWindows& run : runs) run.resize_steps(run.steps());
  return std::make_unique<RowWindowsKernel>(shape.rows, shape.cols, loops, std::move(runs));
}

}  // namespace dcf::impl::kernels
