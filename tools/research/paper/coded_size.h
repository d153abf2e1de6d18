// SPDX-License-Identifier: Apache-2.0
// Networks as arrays, and how large their .dcf file is.
#pragma once

#include <dcf/dcf_write.h>

#include <cstdint>
#include <string>
#include <vector>

namespace dcf::tools {

struct LayerWeights {
  std::string name;
  std::vector<uint64_t> dims;  // [out, ...]
  std::vector<float> weights;  // row-major
  std::vector<float> biases;

  uint64_t rows() const { return dims[0]; }
  uint64_t cols() const { return weights.size() / dims[0]; }
};
using NetWeights = std::vector<LayerWeights>;

// Bytes of weights and biases as float32.
uint64_t dense_bytes(const NetWeights& net);

// Bytes of the whole file, weights at these positions, biases as they are, all losslessly.
uint64_t coded_bytes(const NetWeights& net, dcf_positions positions);

}  // namespace dcf::tools
