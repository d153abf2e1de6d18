// SPDX-License-Identifier: Apache-2.0
// Sparse rows for batches of a few samples. Sixteen rows are multiplied side by side, one per lane,
// over a window of 32 columns that slides from left to right. A step multiplies at most one entry
// of each row: the column within the window selects from two vectors of x, the code from the
// codebook, without a gather. A row without an entry in the window skips the step. The window moves
// by 16 columns as soon as no row has an entry left in its first half.
//
// Rows are sorted by length, kSorted of them at a time, so that rows of a group have similar
// lengths and few lanes idle. Fast with AVX-512; the portable loops are the reference for the
// tests.
#pragma once

#include <memory>

#include "kernels/entries.h"
#include "kernels/layer_kernel.h"

namespace dcf::impl::kernels {

struct RowWindows {
  static constexpr size_t kLanes = 16;
  static constexpr size_t kSorted = 256;
  static constexpr size_t kWindow = 32;
  static constexpr size_t kStride = 16;
  static constexpr size_t kCodes = 32;  // of a codebook that fits into two registers
  static constexpr uint16_t kPresent = 0x8000;
  static constexpr uint8_t kPresentByte = 0x80;
  static constexpr unsigned kCodeShift = 5;

  uint64_t first_row = 0;
  uint64_t rows = 0;
  std::vector<uint32_t> order;      // row of each lane, relative to first_row
  std::vector<uint64_t> group_end;  // per group: number of steps so far
  BigVector<uint8_t> advance;       // per step: strides that the window moves before the step
  // With a codebook of up to kCodes: per step and lane kPresent | code << kCodeShift | column.
  BigVector<uint16_t> slots;
  float codebook[kCodes] = {};
  // Without one: per step and lane kPresentByte | column, and the weight.
  BigVector<uint8_t> columns;
  BigVector<float> weights;

  bool has_codes = false;

  uint64_t steps() const { return group_end.empty() ? 0 : group_end.back(); }
  // Resizes the lists that have elements for each step.
  void resize_steps(uint64_t steps);
  uint64_t bytes() const;
};

struct RowWindowLoops;
const RowWindowLoops& active_row_window_loops();
// Whether the active loops are faster than kernels for any processor.
bool row_windows_pay();

// Null if the lengths of rows differ so much that more than three lanes in four would idle.
std::unique_ptr<LayerKernel> make_row_windows(
    const EntrySource& source, const RowWindowLoops& loops = active_row_window_loops());

}  // namespace dcf::impl::kernels
