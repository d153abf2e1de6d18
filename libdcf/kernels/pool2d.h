// SPDX-License-Identifier: Apache-2.0
// Pooling of images, each channel by itself.
#pragma once

#include <span>

#include "kernels/axis.h"

namespace dcf::impl::kernels {

enum class PoolKind : uint8_t { kMax = 0, kAverage = 1 };

struct Pool2d {
  PoolKind kind = PoolKind::kMax;
  uint64_t channels = 0;
  Axis y;
  Axis x;

  // Values of one image. Set by complete().
  uint64_t in_size = 0;
  uint64_t out_size = 0;

  // Works out the sizes and checks that all fits together; no window lies in the padding alone.
  Status complete();
};

// x is [batch, channels, height, width], y [batch, channels, y.out, x.out]. The maximum is that of
// the elements inside the image, and NaN where one of them is. The average sums them in double, row
// by row, and divides by the whole window: padding counts as zeros.
void pool(const Pool2d& pool, std::span<const float> x, uint64_t batch, std::span<float> y);

}  // namespace dcf::impl::kernels
