// SPDX-License-Identifier: Apache-2.0
// dcf.h: convolution and pooling.
#include "api/file.h"
#include "base/checked.h"
#include "kernels/conv2d.h"
#include "kernels/pool2d.h"

using dcf::impl::check_tensor;
using dcf::impl::Conv2d;
using dcf::impl::guarded;
using dcf::impl::invalid;
using dcf::impl::ok_status;
using dcf::impl::Pool2d;
using dcf::impl::PoolKind;
using dcf::impl::Status;

namespace {

uint64_t or_default(uint64_t value, uint64_t absent) {
  return value == 0 ? absent : value;
}

// The number of floats in `batch` images, which an array can hold.
Status check_array(const float* data, uint64_t image, uint64_t batch, uint64_t* size) {
  if (!dcf::impl::checked_mul(image, batch, size) || *size > PTRDIFF_MAX / sizeof(float)) {
    return invalid("the batch is too large");
  }
  if (data == nullptr && *size != 0) return invalid("an argument is NULL");
  return ok_status();
}

}  // namespace

dcf_status dcf_conv2d(const dcf_file* file, size_t index, const dcf_conv2d_shape* shape,
                      const float* x, float* y, uint64_t batch, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_tensor(file, index));
    if (shape == nullptr) return invalid("the shape is NULL");
    dcf_conv2d_shape s{};
    DCF_TRY(dcf::impl::copy_in(shape, &s));
    Conv2d conv;
    conv.in_channels = s.in_channels;
    conv.groups = or_default(s.groups, 1);
    conv.y = {.size = s.height,
              .stride = or_default(s.stride_h, 1),
              .pad = s.pad_h,
              .dilation = or_default(s.dilation_h, 1)};
    conv.x = {.size = s.width,
              .stride = or_default(s.stride_w, 1),
              .pad = s.pad_w,
              .dilation = or_default(s.dilation_w, 1)};
    DCF_TRY(conv.complete(file->model->manifest().tensors[index]));
    uint64_t x_size = 0;
    uint64_t y_size = 0;
    DCF_TRY(check_array(x, conv.in_size, batch, &x_size));
    DCF_TRY(check_array(y, conv.out_size, batch, &y_size));
    return dcf::impl::convolve(*file->model, index, conv, {x, x_size}, batch, {y, y_size});
  });
}

dcf_status dcf_pool2d(const dcf_pool2d_shape* shape, const float* x, float* y, uint64_t batch,
                      dcf_error* error) {
  return guarded(error, [&]() -> Status {
    if (shape == nullptr) return invalid("the shape is NULL");
    dcf_pool2d_shape s{};
    DCF_TRY(dcf::impl::copy_in(shape, &s));
    if (s.pool != DCF_POOL_MAX && s.pool != DCF_POOL_AVERAGE)
      return invalid("the kind of pooling is unknown");
    Pool2d pool;
    pool.kind = static_cast<PoolKind>(s.pool);
    pool.channels = s.channels;
    pool.y = {.size = s.height,
              .kernel = s.kernel_h,
              .stride = or_default(s.stride_h, s.kernel_h),
              .pad = s.pad_h};
    pool.x = {.size = s.width,
              .kernel = s.kernel_w,
              .stride = or_default(s.stride_w, s.kernel_w),
              .pad = s.pad_w};
    DCF_TRY(pool.complete());
    uint64_t x_size = 0;
    uint64_t y_size = 0;
    DCF_TRY(check_array(x, pool.in_size, batch, &x_size));
    DCF_TRY(check_array(y, pool.out_size, batch, &y_size));
    dcf::impl::pool(pool, {x, x_size}, batch, {y, y_size});
    return ok_status();
  });
}
