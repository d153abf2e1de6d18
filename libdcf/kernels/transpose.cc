// SPDX-License-Identifier: Apache-2.0
#include "kernels/transpose.h"

#include <algorithm>
#include <cstring>

namespace dcf::impl::kernels {
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

// Calls square(i, j) for every multiple of four below `outer` and `inner`. Goes in squares of a
// cache line on each side, whose inner index changes first.
template <typename Square>
void for_squares(uint64_t outer, uint64_t inner, const Square& square) {
  constexpr uint64_t kLine = 16;
  for (uint64_t i = 0; i < outer; i += kLine) {
    for (uint64_t j = 0; j < inner; j += kLine) {
      for (uint64_t k = i; k < std::min(i + kLine, outer); k += 4) {
        for (uint64_t l = j; l < std::min(j + kLine, inner); l += 4) square(k, l);
      }
    }
  }
}

}  // namespace

void transpose(const float* from, uint64_t from_stride, uint64_t rows, uint64_t cols, float* to,
               uint64_t to_stride) {
  const uint64_t square_rows = rows / 4 * 4;
  const uint64_t square_cols = cols / 4 * 4;
  const auto square = [=](uint64_t r, uint64_t c) {
    transpose_four(from + r * from_stride + c, from_stride, to + c * to_stride + r, to_stride);
  };
  // On the side with the longer stride lines fall into few sets of a cache, and each row lies on a
  // page of its own. So on that side four lines, of 16 rows, are finished at a time.
  if (from_stride > to_stride) {
    for_squares(square_rows, square_cols, square);
  } else {
    for_squares(square_cols, square_rows, [&](uint64_t c, uint64_t r) { square(r, c); });
  }
  transpose_each(from + square_rows * from_stride, from_stride, rows - square_rows, cols,
                 to + square_rows, to_stride);
  transpose_each(from + square_cols, from_stride, square_rows, cols - square_cols,
                 to + square_cols * to_stride, to_stride);
}

}  // namespace dcf::impl::kernels
