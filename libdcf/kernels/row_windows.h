// SPDX-License-Identifier: Apache-2.0
// Sparse rows for batches of a few: sixteen rows go side by side, a lane each, over a window of 32
// columns that slides from left to right. A step multiplies at most one entry of each row: the
// column in the window picks from two vectors of x, the code from the codebook, without a gather.
// A row with nothing in the window skips the step. The window moves by 16 columns as soon as no
// row has an entry left in its first half.
//
// Among kSorted rows, those of like length share a group, so that few lanes idle. Fast with
// AVX-512; the portable loops are the reference that the tests compare with.
#pragma once

#include <memory>

#include "kernels/entries.h"
#include "kernels/layer_kernel.h"

namespace dcf::impl {

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
  std::vector<uint32_t> order;      // row of each lane, from first_row
  std::vector<uint64_t> group_end;  // steps of the groups so far
  BigVector<uint8_t> advance;       // per step: strides that the window moves before it
  // With a codebook of up to kCodes: per step and lane kPresent | code << kCodeShift | column.
  BigVector<uint16_t> slots;
  float codebook[kCodes] = {};
  // Else: kPresentByte | column, and the weight.
  BigVector<uint8_t> columns;
  BigVector<float> weights;

  bool has_codes = false;

  uint64_t steps() const { return group_end.empty() ? 0 : group_end.back(); }
  // Sets the size of what has an element per step.
  void resize_steps(uint64_t steps);
  uint64_t bytes() const;
};

struct RowWindowLoops;
const RowWindowLoops& active_row_window_loops();
// Whether the active loops are faster than kernels for any processor.
bool row_windows_pay();

// Null where the rows are so unlike each other that more than three lanes in four would idle.
std::unique_ptr<LayerKernel> make_row_windows(
    const EntrySource& source, const RowWindowLoops& loops = active_row_window_loops());

}  // namespace dcf::impl
