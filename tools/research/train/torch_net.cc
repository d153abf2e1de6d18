// SPDX-License-Identifier: Apache-2.0
#include "research/train/torch_net.h"

#include <dcf/dcf_encode.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "research/train/check.h"

namespace dcf::tools {
namespace {

int64_t signed_of(uint64_t n) {
  return static_cast<int64_t>(n);
}

Parameters make_parameters(const Layer& layer, bool relu_follows) {
  std::vector<int64_t> dims;
  for (const uint64_t d : layer.weight_dims()) dims.push_back(signed_of(d));
  double inputs = 1;
  for (size_t i = 1; i < dims.size(); ++i) inputs *= static_cast<double>(dims[i]);
  const double bound = std::sqrt((relu_follows ? 6.0 : 3.0) / inputs);
  Parameters p;
  p.name = layer.name;
  p.weight = torch::empty(dims).uniform_(-bound, bound).requires_grad_();
  p.bias = torch::zeros({dims[0]}).requires_grad_();
  return p;
}

}  // namespace

uint64_t Parameters::kept() const {
  if (mask.empty()) return size();
  return static_cast<uint64_t>(std::count(mask.begin(), mask.end(), 1));
}

void Parameters::restore() {
  if (!codes.empty()) {
    dcf_error error = DCF_ERROR_INIT;
    check(dcf_expand(codes.data(), size(), codebook.data(), static_cast<uint32_t>(codebook.size()),
                     weights(), &error),
          error);
  } else if (!mask.empty()) {
    check(dcf_apply_mask(weights(), mask.data(), size(), nullptr));
  }
}

TorchNet::TorchNet(const Network& network, uint64_t seed) : network_(&network) {
  torch::manual_seed(seed);
  const auto& list = network.layers;
  for (size_t i = 0; i < list.size(); ++i) {
    if (!list[i].has_weights()) continue;
    const bool relu_follows = i + 1 < list.size() && list[i + 1].op == Op::kRelu;
    layers_.push_back(make_parameters(list[i], relu_follows));
  }
}

torch::Tensor TorchNet::forward(torch::Tensor x, const DropoutRates& rates) const {
  size_t next = 0;
  const auto& list = network_->layers;
  for (size_t i = 0; i < list.size(); ++i) {
    const Layer& layer = list[i];
    if (!rates.empty() && rates[i] > 0) x = torch::dropout(x, rates[i], true);
    const std::array<int64_t, 2> kernel{signed_of(layer.kernel_h), signed_of(layer.kernel_w)};
    const int64_t stride = signed_of(layer.stride);
    const int64_t pad = signed_of(layer.pad);
    switch (layer.op) {
      case Op::kConv: {
        const Parameters& p = layers_[next++];
        x = torch::conv2d(x, p.weight, p.bias, stride, pad, signed_of(layer.dilation),
                          signed_of(layer.groups));
        break;
      }
      case Op::kLinear: {
        const Parameters& p = layers_[next++];
        x = torch::linear(x.flatten(1), p.weight, p.bias);
        break;
      }
      case Op::kMaxPool:
        x = torch::max_pool2d(x, kernel, stride, pad);
        break;
      case Op::kAvgPool:
        x = torch::avg_pool2d(x, kernel, stride, pad);
        break;
      case Op::kRelu:
        x = torch::relu(x);
        break;
      case Op::kDropout:
        break;
    }
  }
  return x.flatten(1);
}

TorchNet TorchNet::clone() const {
  TorchNet copy(*this);
  for (Parameters& p : copy.layers_) {
    p.weight = p.weight.detach().clone().requires_grad_();
    p.bias = p.bias.detach().clone().requires_grad_();
  }
  return copy;
}

}  // namespace dcf::tools
