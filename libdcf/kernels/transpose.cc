// SPDX-License-Identifier: Apache-2.0
#include "kernels/transpose.h"

#include <cstring>

namespace dcf::impl {
namespace {

typedef float Four __attribute__((vector_size(16)));

Four load(const float* p) {
  Four v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
void store(float* p, Four v) {
  std::memcpy(p, &v, sizeof v);
}

void transpose_four(const float* from, uint64_t from_stride, float* to, uint64_t to_stride) {
  const Four a = load(from);
  const Four b = load(from + from_stride);
  const Four c = load(from + 2 * from_stride);
  const Four d = load(from + 3 * from_stride);
  const Four ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const Four ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Four cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const Four cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  store(to, __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5));
  store(to + to_stride, __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7));
  store(to + 2 * to_stride, __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5));
  store(to + 3 * to_stride, __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7));
}

void transpose_each(const float* from, uint64_t from_stride, uint64_t rows, uint64_t cols,
                    float* to, uint64_t to_stride) {
  for (uint64_t r = 0; r < rows; ++r) {
    for (uint64_t c = 0; c < cols; ++c) to[c * to_stride + r] = from[r * from_stride + c];
  }
}

}  // namespace

void transpose(const float* from, uint64_t from_stride, uint64_t rows, uint64_t cols, float* to,
               uint64_t to_stride) {
  // Strips of 16 rows read whole cache lines of as many pages as a table of addresses holds.
  constexpr uint64_t kStrip = 16;
  const uint64_t square_cols = cols / 4 * 4;
  for (uint64_t strip = 0; strip < rows; strip += kStrip) {
    const uint64_t end = rows - strip < kStrip ? rows : strip + kStrip;
    const uint64_t square_end = strip + (end - strip) / 4 * 4;
    for (uint64_t c = 0; c < square_cols; c += 4) {
      for (uint64_t r = strip; r < square_end; r += 4) {
        transpose_four(from + r * from_stride + c, from_stride, to + c * to_stride + r, to_stride);
      }
    }
    transpose_each(from + square_end * from_stride, from_stride, end - square_end, square_cols,
                   to + square_end, to_stride);
    transpose_each(from + strip * from_stride + square_cols, from_stride, end - strip,
                   cols - square_cols, to + square_cols * to_stride + strip, to_stride);
  }
}

}  // namespace dcf::impl
