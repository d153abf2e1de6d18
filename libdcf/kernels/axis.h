// SPDX-License-Identifier: Apache-2.0
// A window that slides along one side of an image: the arithmetic that convolution and pooling
// share.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/checked.h"
#include "base/status.h"

namespace dcf::impl::kernels {

struct Axis {
  uint64_t size = 0;  // of the input
  uint64_t kernel = 1;
  uint64_t stride = 1;
  uint64_t pad = 0;  // on either end
  uint64_t dilation = 1;
  uint64_t out = 0;  // positions of the window; set by complete()

  // Checks the rest and works out `out`. After it none of the members below can overflow.
  Status complete() {
    uint64_t padded = 0;
    uint64_t reach = 0;
    if (kernel == 0 || stride == 0 || dilation == 0) {
      return fail(Code::InvalidArgument, "", "kernel, stride and dilation must be positive");
    }
    if (!checked_mul(pad, 2, &padded) || !checked_add(padded, size, &padded) ||
        padded > INT64_MAX || !checked_mul(dilation, kernel - 1, &reach) ||
        !checked_add(reach, 1, &reach)) {
      return fail(Code::InvalidArgument, "", "the window or its padding is too large");
    }
    if (reach > padded) {
      return fail(Code::InvalidArgument, "", "the window is larger than its padded input");
    }
    out = (padded - reach) / stride + 1;
    return ok_status();
  }

  // The windows [first(k), last(k)) are those whose element k lies inside the input, not in the
  // padding; none where first(k) >= last(k).
  uint64_t first(uint64_t k) const {
    const uint64_t offset = k * dilation;
    return offset >= pad ? 0 : ceil_div(pad - offset, stride);
  }
  uint64_t last(uint64_t k) const {
    const uint64_t offset = k * dilation;
    if (offset >= pad + size) return 0;
    return std::min(out, (pad + size - offset - 1) / stride + 1);
  }
  // Where element k of window o lies, for such a window.
  uint64_t at(uint64_t o, uint64_t k) const { return o * stride + k * dilation - pad; }
};

}  // namespace dcf::impl::kernels
