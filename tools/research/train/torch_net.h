// SPDX-License-Identifier: Apache-2.0
// A Network with weights, as LibTorch computes it. Belongs to one thread.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "cli/network/network.h"

namespace dcf::tools {

// A linear or convolution layer's parameters, and what compression made of its weights.
struct Parameters {
  std::string name;
  torch::Tensor weight;         // f32, [out, in] or [out, in/groups, kh, kw]
  torch::Tensor bias;           // f32, [out]
  std::vector<uint8_t> mask;    // empty, or 1 where a weight is kept
  std::vector<uint8_t> codes;   // empty, or 0 where pruned, else 1 + the centroid's index
  std::vector<float> codebook;  // ascending

  uint64_t kept() const;
  float* weights() { return weight.data_ptr<float>(); }
  size_t size() const { return static_cast<size_t>(weight.numel()); }
  // What training must not change again: zeros of the mask, or shared weights.
  void restore();
};

// Rates of dropout in front of the layers, by index into Network::layers; empty: none.
using DropoutRates = std::vector<double>;

class TorchNet {
 public:
  // Weights uniform in +-sqrt(6 / inputs) where a ReLU follows, else +-sqrt(3 / inputs) (He et al.,
  // 2015); biases 0.
  TorchNet(const Network& network, uint64_t seed);

  // x: [batch, channels, height, width], scaled already. Returns [batch, classes].
  torch::Tensor forward(torch::Tensor x, const DropoutRates& rates) const;

  const Network& network() const { return *network_; }
  std::vector<Parameters>& layers() { return layers_; }
  const std::vector<Parameters>& layers() const { return layers_; }
  // A copy that shares nothing.
  TorchNet clone() const;

 private:
  const Network* network_;
  std::vector<Parameters> layers_;
};

}  // namespace dcf::tools
