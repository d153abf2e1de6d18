// SPDX-License-Identifier: Apache-2.0
// Which elements of a kernel are of one output channel.
#pragma once

#include <cstdint>
#include <span>

#include "encode/content/class_map.h"

namespace dcf::impl::encode {

// No axis where a number does not fit.
ClassAxis axis_of(uint64_t run, uint64_t units);

// The axis whose units are the output channels of a convolution, if the shape is of one: kernels
// stand last (ONNX, PyTorch) or first (TensorFlow, where the filters of one channel each are the
// last two dimensions). No units otherwise.
ClassAxis output_channels(std::span<const uint64_t> dims, uint64_t elements);

}  // namespace dcf::impl::encode
