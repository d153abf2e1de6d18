// SPDX-License-Identifier: Apache-2.0
// Shapes and arrays of the calls that compute, checked.
#pragma once

#include "api/file.h"
#include "base/checked.h"
#include "kernels/conv2d.h"

namespace dcf::impl {

inline uint64_t or_default(uint64_t value, uint64_t absent) {
  return value == 0 ? absent : value;
}

// The number of floats in `batch` images, which an array can hold.
inline Status check_array(const float* data, uint64_t image, uint64_t batch, uint64_t* size) {
  if (!checked_mul(image, batch, size) || *size > PTRDIFF_MAX / sizeof(float)) {
    return invalid("the batch is too large");
  }
  if (data == nullptr && *size != 0) return invalid("an argument is NULL");
  return ok_status();
}

// The convolution of `shape` with a tensor of the file.
inline Status read_conv2d(const dcf_file& file, size_t index, const dcf_conv2d_shape* shape,
                          Conv2d* conv) {
  if (shape == nullptr) return invalid("the shape is NULL");
  dcf_conv2d_shape s{};
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
  return conv->complete(file.model->manifest().tensors[index]);
}

}  // namespace dcf::impl
