// SPDX-License-Identifier: Apache-2.0
// The loops of row windows, one table per instruction set. Packings are the same, byte for byte;
// sums differ by the rounding of products where multiply-add is not fused.
#pragma once

#include <span>
#include <vector>

#include "base/cpu.h"
#include "kernels/epilogue.h"
#include "kernels/row_windows.h"

namespace dcf::impl::kernels {

struct RowWindowLoops {
  CpuSet set;

  // Appends rows to *out: row at + order[i] of `entries` for each i. False if there would be more
  // than `max_steps` steps in all.
  bool (*pack)(const LayerEntries& entries, uint64_t at, std::span<const uint32_t> order,
               uint64_t max_steps, RowWindows* out);

  // Multiplies the rows of groups [first, last). x is followed by RowWindows::kWindow readable
  // floats; y has all rows of the matrix. Each row has two partial sums: one over the even steps of
  // its group and one over the odd ones.
  void (*multiply)(const RowWindows& w, uint64_t first, uint64_t last, const float* x,
                   const Epilogue& epilogue, float* y);
};

extern const RowWindowLoops kScalarRowWindowLoops;
#if defined(__x86_64__)
extern const RowWindowLoops kAvx512bwRowWindowLoops;
#endif

// Those that this processor can run, scalar first, the best one last.
std::vector<const RowWindowLoops*> available_row_window_loops();
// The best one that is allowed here (base/cpu.h). Thread-safe.
const RowWindowLoops& active_row_window_loops();

// Appends steps to the lists of a RowWindows. Steps are written through plain pointers, because
// after a store of bytes the compiler would reload the pointers of the lists.
class StepList {
 public:
  explicit StepList(RowWindows* w) : w_(w), size_(w->steps()) {}

  struct Place {
    uint8_t* advance;
    uint16_t* slots;
    uint8_t* columns;
    float* weights;
  };
  // Where the next steps go, with room for `count`.
  Place room(uint64_t count) {
    constexpr size_t kLanes = RowWindows::kLanes;
    if (w_->advance.size() - size_ < count) w_->resize_steps(size_ + size_ / 2 + 16 + count);
    if (w_->has_codes) return {&w_->advance[size_], &w_->slots[size_ * kLanes], nullptr, nullptr};
    return {&w_->advance[size_], nullptr, &w_->columns[size_ * kLanes],
            &w_->weights[size_ * kLanes]};
  }
  void add(uint64_t count) { size_ += count; }
  uint64_t size() const { return size_; }

 private:
  RowWindows* w_;
  uint64_t size_;
};

// The most strides that the window moves in one step.
inline constexpr uint32_t kMostStrides = 255;

}  // namespace dcf::impl::kernels
