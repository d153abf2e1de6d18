// SPDX-License-Identifier: Apache-2.0
#include "cli/network/layer_text.h"
#include "formats/error.h"

namespace dcf::tools {
namespace {

std::string shape_words(const Shape& shape) {
  return std::to_string(shape.channels) + "x" + std::to_string(shape.height) + "x" +
         std::to_string(shape.width);
}

// Positions of a window of `kernel` along a side of `size`. All numbers are at most 2^26.
uint64_t positions(const std::string& where, const Layer& layer, uint64_t kernel, uint64_t size,
                   uint64_t pad) {
  const uint64_t reach = layer.dilation * (kernel - 1) + 1;
  const uint64_t padded = size + 2 * pad;
  if (reach > padded) {
    throw_invalid(where, "has a window of " + std::to_string(reach) + ", larger than its input " +
                             shape_words(layer.in) + " with padding");
  }
  return (padded - reach) / layer.stride + 1;
}

void check_weights(const std::string& where, const Layer& layer) {
  uint64_t weights = 1;
  for (const uint64_t dim : layer.weight_dims()) {
    if (__builtin_mul_overflow(weights, dim, &weights) || weights > kMaxLayerWeights) {
      throw_invalid(where, "has more than " + std::to_string(kMaxLayerWeights) + " weights");
    }
  }
}

}  // namespace

std::vector<uint64_t> Layer::weight_dims() const {
  if (op == Op::kLinear) return {out.channels, in.size()};
  if (one_d) return {out.channels, in.channels / groups, kernel_w};
  return {out.channels, in.channels / groups, kernel_h, kernel_w};
}

void check_shape(const std::string& where, const std::string& what, const Shape& shape) {
  uint64_t size = 0;
  if (__builtin_mul_overflow(shape.channels, shape.height, &size) ||
      __builtin_mul_overflow(size, shape.width, &size) || size > kMaxLayerValues) {
    throw_invalid(where,
                  "has " + what + " of more than " + std::to_string(kMaxLayerValues) + " values");
  }
}

void infer_shapes(const std::string& where, const Shape& in, Layer* layer) {
  layer->in = in;
  if (layer->one_d && in.height != 1) {
    throw_invalid(where, "has an input " + shape_words(in) + ", which is not [channels, length]");
  }
  switch (layer->op) {
    case Op::kRelu:
    case Op::kDropout:
      layer->out = in;
      return;
    case Op::kLinear:
      break;
    case Op::kConv:
      if (in.channels % layer->groups != 0 || layer->out.channels % layer->groups != 0) {
        throw_invalid(where, "has " + std::to_string(layer->groups) +
                                 " groups, which do not divide " + std::to_string(in.channels) +
                                 " inputs and " + std::to_string(layer->out.channels) + " outputs");
      }
      break;
    case Op::kMaxPool:
    case Op::kAvgPool:
      // So that no window lies in the padding alone.
      if (layer->pad > layer->kernel_w / 2) {
        throw_invalid(where, "has more padding than half its window");
      }
      layer->out.channels = in.channels;
      break;
  }
  if (layer->op != Op::kLinear) {
    layer->out.height = positions(where, *layer, layer->kernel_h, in.height, layer->pad_h());
    layer->out.width = positions(where, *layer, layer->kernel_w, in.width, layer->pad);
  }
  check_shape(where, "an output", layer->out);
  if (layer->has_weights()) check_weights(where, *layer);
}

}  // namespace dcf::tools
