// SPDX-License-Identifier: Apache-2.0
// The loops of row windows, one table per instruction set. Packings are the same, byte for byte;
// sums differ by the rounding of products where multiply-add is not fused.
#pragma once

#include <span>
#include <vector>

#include "base/cpu.h"
#include "kernels/epilogue.h"
#include "kernels/row_windows.h"

namespace dcf::impl {

struct RowWindowLoops {
  CpuSet set;

  // Packs rows after those packed so far: those of `entries` from number `at` on, in the order
  // given. False where there would be more than `max_steps` steps in all.
  bool (*pack)(const LayerEntries& entries, uint64_t at, std::span<const uint32_t> order,
               uint64_t max_steps, RowWindows* out);

  // The rows of groups [first, last). x is followed by RowWindows::kWindow readable floats, y has
  // all rows of the matrix. Two partial sums per row: of the even and of the odd steps of its
  // group.
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

// Lists that grow step by step. Steps are not written through the lists themselves: after stores
// of bytes their pointers would be loaded anew.
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

// Of a step: how many strides the window moves at most.
inline constexpr uint32_t kMostStrides = 255;

}  // namespace dcf::impl
