// SPDX-License-Identifier: Apache-2.0
// Layers of AlexNet's and VGG-16's shapes at the densities of the paper. The weights are synthetic:
// a pruned Gaussian that shares centroids, at independent positions.
#pragma once

#include <cstdint>
#include <dcf/dcf.hpp>
#include <span>
#include <string>
#include <vector>

namespace dcf::bench {

struct LayerShape {
  std::string name;
  uint64_t rows;
  uint64_t cols;
  double density;
  uint32_t clusters;
  double active;  // share of inputs that are not zero after a ReLU
};
// AlexNet fc6, fc7, fc8, VGG fc6, fc7, fc8, with 32 clusters.
std::vector<LayerShape> fc_layers();

struct ConvShape {
  std::string name;
  uint64_t out;
  uint64_t in;
  uint64_t kernel;
  uint64_t groups;
  uint64_t size;  // height and width of the input, and of the output
  double density;
  uint32_t clusters;
};
// AlexNet conv2 to conv5, VGG conv3_1, conv3_2, conv4_2, conv5_1, with 255 clusters.
std::vector<ConvShape> conv_layers();

// Compressed sparse rows, one code for each entry.
struct SparseWeights {
  std::vector<uint64_t> dims;
  std::vector<uint64_t> row_ptr;
  std::vector<uint32_t> col;
  std::vector<uint8_t> codes;
  std::vector<float> codebook;

  uint64_t rows() const { return dims[0]; }
  uint64_t cols() const;
  uint64_t nonzeros() const { return col.size(); }
  std::vector<float> values() const;
  std::vector<float> dense() const;
};
SparseWeights make_weights(std::vector<uint64_t> dims, double density, uint32_t clusters,
                           uint64_t seed);

// A .dcf file with this one tensor, gaps x palette, in memory.
std::vector<uint8_t> dcf_bytes(const SparseWeights& weights);
void write_bytes(const std::string& path, std::span<const uint8_t> bytes);

// These throw what the library reports.
File open_bytes(std::span<const uint8_t> bytes, uint32_t threads);
File open_path(const std::string& path, uint32_t threads);
void check(dcf_status status, const dcf_error& error);
dcf_tensor_info describe(const dcf_file* file);

struct LayerChoice {
  uint64_t batch = 1;
  uint32_t threads = 1;
  const char* kernel = nullptr;  // the library's choice
  double input_density = 1;
};
Layer prepare(const File& file, const LayerChoice& choice);
Layer prepare(const File& file, const ConvShape& shape, const LayerChoice& choice);
dcf_conv2d_shape conv2d_shape(const ConvShape& shape);
dcf_layer_info describe(const dcf_layer* layer);
void apply(const dcf_layer* layer, std::span<const float> x, std::span<float> y, uint64_t batch);

}  // namespace dcf::bench
