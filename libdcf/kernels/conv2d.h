// SPDX-License-Identifier: Apache-2.0
// Convolution of images with a compressed tensor [out, in / groups, kh, kw], from its entries:
// zeros that are not stored, and the padding, contribute nothing.
#pragma once

#include <span>

#include "kernels/axis.h"
#include "model/decode_progress.h"
#include "model/model.h"

namespace dcf::impl::kernels {

struct Conv2d {
  uint64_t in_channels = 0;
  uint64_t out_channels = 0;
  uint64_t groups = 1;
  Axis y;
  Axis x;

  // Of one image. Set by complete().
  uint64_t in_size = 0;
  uint64_t out_size = 0;

  // Takes channels and kernel from the tensor's shape, works out the sizes and checks that all fits
  // together.
  Status complete(const format::Tensor& weight);
};

// x is [batch, in_channels, height, width], y [batch, out_channels, y.out, x.out]. Each output is
// the sum, in double, of its weights in the order of the tensor (channel, row, column of the
// kernel), rounded once to float: the same for any encoding, batch and number of threads. Needs the
// entries and the longest row of them decoded, and for each thread a few images in double
// (LimitMemory).
Status convolve(const model::Model& model, size_t tensor, const Conv2d& conv,
                std::span<const float> x, uint64_t batch, std::span<float> y,
                model::ProgressStep progress = {});

}  // namespace dcf::impl::kernels
