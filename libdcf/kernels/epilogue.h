// SPDX-License-Identifier: Apache-2.0
// What follows the sums of a layer before they are stored: the bias, then the activation. Kernels
// apply it while the sums are in registers or in the cache.
#pragma once

#include <cstdint>

namespace dcf::impl {

struct Epilogue {
  const float* bias = nullptr;  // one per output row, or per channel of a convolution; NULL: none
  bool relu = false;

  bool is_identity() const { return bias == nullptr && !relu; }

  // Negative values become +0. NaN and -0 stay.
  static float rectified(float v) { return v < 0 ? 0.0f : v; }

  // Of a sum of row `row`.
  float finish(float sum, uint64_t row) const {
    if (bias != nullptr) sum += bias[row];
    return relu ? rectified(sum) : sum;
  }
  // Of `count` sums of that row.
  void finish_row(float* sums, uint64_t count, uint64_t row) const {
    if (bias != nullptr) {
      for (uint64_t i = 0; i < count; ++i) sums[i] += bias[row];
    }
    rectify(sums, count);
  }
  // Of a sum of each of rows [first, first + count).
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

}  // namespace dcf::impl
