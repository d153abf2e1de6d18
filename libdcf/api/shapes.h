// SPDX-License-Identifier: Apache-2.0
// Checks the shapes and arrays of the calls that compute.
#pragma once

#include <functional>
#include <span>

#include "api/file.h"
#include "base/checked.h"
#include "kernels/conv2d.h"

namespace dcf::impl::api {

inline uint64_t or_default(uint64_t value, uint64_t absent) {
  return value == 0 ? absent : value;
}

// The arrays of a product for `batch` samples: x has x_sample floats of each and y y_sample. Both
// may be longer than that. What is read and what is written do not overlap.
struct Samples {
  std::span<const float> x;
  std::span<float> y;

  Status check(const float* x_data, size_t x_elements, uint64_t x_sample, float* y_data,
               size_t y_elements, uint64_t y_sample, uint64_t batch) {
    uint64_t x_size = 0;
    uint64_t y_size = 0;
    if (!checked_mul(x_sample, batch, &x_size) || !checked_mul(y_sample, batch, &y_size)) {
      return invalid("the batch is too large");
    }
    if (x_elements < x_size) return invalid("x has too few elements");
    if (y_elements < y_size) return fail(Code::BufferTooSmall, "", "y has too few elements");
    if (x_size > PTRDIFF_MAX / sizeof(float) || y_size > PTRDIFF_MAX / sizeof(float)) {
      return invalid("the batch is too large");
    }
    if ((x_data == nullptr && x_size != 0) || (y_data == nullptr && y_size != 0)) {
      return invalid("an argument is NULL");
    }
    x = {x_data, static_cast<size_t>(x_size)};
    y = {y_data, static_cast<size_t>(y_size)};
    const std::less<const float*> before;
    if (!x.empty() && !y.empty() && before(x_data, y_data + y_size) &&
        before(y_data, x_data + x_size)) {
      return invalid("x and y overlap");
    }
    return ok_status();
  }
};

// The convolution of `shape` with a tensor of the file.
inline Status read_conv2d(const dcf_file& file, size_t index, const dcf_conv2d_shape* shape,
                          kernels::Conv2d* conv) {
  if (shape == nullptr) return invalid("the shape is NULL");
  dcf_conv2d_shape s = DCF_CONV2D_SHAPE_INIT;
  DCF_TRY(copy_in(shape, &s));
  conv->in_channels = s.in_channels;
  conv->groups = or_default(s.groups, 1);
  conv->y = {.size = s.height,
             .stride = or_default(s.stride_h, 1),
             .pad = s.pad_h,
             .dilation = or_default(s.dilation_h, 1)};
  conv->x = {.size = s.width,
             .stride = or_default(s.stride_w, 1),
             .pad = s.pad_w,
             .dilation = or_default(s.dilation_w, 1)};
  return conv->complete(file.model->manifest()->tensors[index]);
}

}  // namespace dcf::impl::api
