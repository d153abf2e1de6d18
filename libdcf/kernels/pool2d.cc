// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool2d.h"

#include <cmath>

namespace dcf::impl::kernels {
namespace {

// Elements of window o inside the input. Dilation is 1.
struct Inside {
  uint64_t begin, end;
  Inside(const Axis& axis, uint64_t o) {
    const uint64_t start = o * axis.stride;
    begin = start > axis.pad ? start - axis.pad : 0;
    end = std::min(start + axis.kernel - axis.pad, axis.size);
  }
};

float max_of(const float* plane, uint64_t width, const Inside& rows, const Inside& cols) {
  float best = plane[rows.begin * width + cols.begin];
  for (uint64_t r = rows.begin; r < rows.end; ++r) {
    for (uint64_t c = cols.begin; c < cols.end; ++c) {
      const float v = plane[r * width + c];
      if (v > best || std::isnan(v)) best = v;  // nothing is larger than a NaN
    }
  }
  return best;
}

double sum_of(const float* plane, uint64_t width, const Inside& rows, const Inside& cols) {
  double sum = 0;
  for (uint64_t r = rows.begin; r < rows.end; ++r) {
    for (uint64_t c = cols.begin; c < cols.end; ++c)
      sum += static_cast<double>(plane[r * width + c]);
  }
  return sum;
}

}  // namespace

Status Pool2d::complete() {
  if (y.dilation != 1 || x.dilation != 1)
    return fail(Code::InvalidArgument, "", "pooling has no dilation");
  DCF_TRY(y.complete());
  DCF_TRY(x.complete());
  if (y.pad > y.kernel / 2 || x.pad > x.kernel / 2) {
    return fail(Code::InvalidArgument, "", "the padding is more than half the window");
  }
  if (y.size == 0 || x.size == 0) return fail(Code::InvalidArgument, "", "the image has no pixels");
  uint64_t area = 0;
  if (!checked_mul(y.size, x.size, &in_size) || !checked_mul(in_size, channels, &in_size) ||
      !checked_mul(y.out, x.out, &out_size) || !checked_mul(out_size, channels, &out_size) ||
      !checked_mul(y.kernel, x.kernel, &area)) {
    return fail(Code::InvalidArgument, "", "an image is too large");
  }
  return ok_status();
}

void pool(const Pool2d& pool, std::span<const float> x, uint64_t batch, std::span<float> y) {
  if (y.empty()) return;
  const double area = static_cast<double>(pool.y.kernel * pool.x.kernel);
  const float* plane = x.data();
  float* out = y.data();
  for (uint64_t i = 0; i < batch * pool.channels; ++i, plane += pool.y.size * pool.x.size) {
    for (uint64_t oy = 0; oy < pool.y.out; ++oy) {
      const Inside rows(pool.y, oy);
      for (uint64_t ox = 0; ox < pool.x.out; ++ox) {
        const Inside cols(pool.x, ox);
        *out++ = pool.kind == PoolKind::kMax
                     ? max_of(plane, pool.x.size, rows, cols)
                     : static_cast<float>(sum_of(plane, pool.x.size, rows, cols) / area);
      }
    }
  }
}

}  // namespace dcf::impl::kernels
