// SPDX-License-Identifier: Apache-2.0
// dcf.h: convolution and pooling.
#include "api/shapes.h"
#include "kernels/pool2d.h"

using dcf::impl::invalid;
using dcf::impl::ok_status;
using dcf::impl::Status;
using dcf::impl::api::check_tensor;
using dcf::impl::api::guarded;
using dcf::impl::api::number_in;
using dcf::impl::api::or_default;
using dcf::impl::api::Samples;
using dcf::impl::kernels::Conv2d;
using dcf::impl::kernels::Pool2d;
using dcf::impl::kernels::PoolKind;

dcf_status dcf_tensor_conv2d(const dcf_file* file, size_t index, const dcf_conv2d_shape* shape,
                             const float* x, size_t x_elements, float* y, size_t y_elements,
                             uint64_t batch, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_tensor(file, index));
    Conv2d conv;
    DCF_TRY(dcf::impl::api::read_conv2d(*file, index, shape, &conv));
    Samples samples;
    DCF_TRY(samples.check(x, x_elements, conv.in_size, y, y_elements, conv.out_size, batch));
    return dcf::impl::kernels::convolve(*file->model, index, conv, samples.x, batch, samples.y,
                                        file->progress);
  });
}

dcf_status dcf_pool2d(const dcf_pool2d_shape* shape, const float* x, size_t x_elements, float* y,
                      size_t y_elements, uint64_t batch, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    if (shape == nullptr) return invalid("the shape is NULL");
    dcf_pool2d_shape s = DCF_POOL2D_SHAPE_INIT;
    DCF_TRY(dcf::impl::api::copy_in(shape, &s));
    if (number_in(s.pool) > DCF_POOL_AVERAGE) return invalid("the kind of pooling is unknown");
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
    Samples samples;
    DCF_TRY(samples.check(x, x_elements, pool.in_size, y, y_elements, pool.out_size, batch));
    dcf::impl::kernels::pool(pool, samples.x, batch, samples.y);
    return ok_status();
  });
}
