// SPDX-License-Identifier: Apache-2.0
// Bias and activation, which are applied to the sums of a layer before they are stored. Kernels do
// so while the sums are in registers or in the cache.
#pragma once

#include <cstdint>

namespace dcf::impl::kernels {

struct Epilogue {
  const float* bias = nullptr;  // one per output row, or per channel of a convolution; NULL: none
  bool relu = false;

  bool is_identity() const { return bias == nullptr && !relu; }

  // Negative values become +0. NaN and -0 stay.
  static float rectified(float v) { return v < 0 ? 0.0f : v; }

  // Finishes one sum of row `row`.
  float finish(float sum, uint64_t row) const {
    if (bias != nullptr) sum += bias[row];
    return relu ? rectified(sum) : sum;
  }
  // Finishes `count` sums of row `row`.
  void finish_row(float* sums, uint64_t count, uint64_t row) const {
    if (bias != nullptr) {
      for (uint64_t i = 0; i < count; ++i) sums[i] += bias[row];
    }
    rectify(sums, count);
  }
  // Finishes one sum of each of the rows [first, first + count).
  void finish_rows(float* sums, uint64_t count, uint64_t first) const {
    if (bias != nullptr) {
      for (uint64_t i = 0; i < count; ++i) sums[i] += bias[first + i];
    }
    rectify(sums, count);
  }

 private:
  void rectify(float* sums, uint64_t count) const {
    if (!relu) return;
    for (uint64_t i = 0; i < count; ++i) sums[i] = rectified(sums[i]);
  }
};

}  // namespace dcf::impl::kernels
