// SPDX-License-Identifier: Apache-2.0
#include "layers.h"

#include <dcf/dcf_encode.h>

#include <cmath>
#include <fstream>

#include "data.h"

namespace dcf::bench {
namespace {

constexpr uint32_t kFcClusters = 32;
constexpr uint32_t kConvClusters = 255;  // the paper's 8 bits, one code being the filler's

int append(void* ctx, const void* data, size_t size) {
  auto* const out = static_cast<std::vector<uint8_t>*>(ctx);
  const auto* const bytes = static_cast<const uint8_t*>(data);
  out->insert(out->end(), bytes, bytes + size);
  return 0;
}

dcf_layer_options options_for(const LayerChoice& choice) {
  dcf_layer_options options;
  dcf_layer_options_init(&options);
  options.batch = choice.batch;
  options.threads = choice.threads;
  options.kernel = choice.kernel;
  options.input_density = choice.input_density;
  return options;
}

dcf_open_options options_for(uint32_t threads) {
  dcf_open_options options;
  dcf_open_options_init(&options);
  options.threads = threads;
  options.max_memory = uint64_t{8} << 30;
  return options;
}

}  // namespace

std::vector<LayerShape> fc_layers() {
  return {{"AlexNet fc6", 4096, 9216, 0.09, kFcClusters, 0.351},
          {"AlexNet fc7", 4096, 4096, 0.09, kFcClusters, 0.353},
          {"AlexNet fc8", 1000, 4096, 0.25, kFcClusters, 0.375},
          {"VGG fc6", 4096, 25088, 0.04, kFcClusters, 0.183},
          {"VGG fc7", 4096, 4096, 0.04, kFcClusters, 0.375},
          {"VGG fc8", 1000, 4096, 0.23, kFcClusters, 0.411}};
}

std::vector<ConvShape> conv_layers() {
  return {{"AlexNet conv2", 256, 96, 5, 2, 27, 0.38, kConvClusters},
          {"AlexNet conv3", 384, 256, 3, 1, 13, 0.35, kConvClusters},
          {"AlexNet conv4", 384, 384, 3, 2, 13, 0.37, kConvClusters},
          {"AlexNet conv5", 256, 384, 3, 2, 13, 0.37, kConvClusters},
          {"VGG conv3_1", 256, 128, 3, 1, 56, 0.53, kConvClusters},
          {"VGG conv3_2", 256, 256, 3, 1, 56, 0.24, kConvClusters},
          {"VGG conv4_2", 512, 512, 3, 1, 28, 0.27, kConvClusters},
          {"VGG conv5_1", 512, 512, 3, 1, 14, 0.35, kConvClusters}};
}

uint64_t SparseWeights::cols() const {
  uint64_t product = 1;
  for (size_t i = 1; i < dims.size(); ++i) product *= dims[i];
  return product;
}

std::vector<float> SparseWeights::values() const {
  std::vector<float> out(codes.size());
  for (size_t i = 0; i < codes.size(); ++i) out[i] = codebook[codes[i]];
  return out;
}

std::vector<float> SparseWeights::dense() const {
  std::vector<float> out(rows() * cols());
  for (uint64_t row = 0; row < rows(); ++row) {
    for (uint64_t i = row_ptr[row]; i < row_ptr[row + 1]; ++i) {
      out[row * cols() + col[i]] = codebook[codes[i]];
    }
  }
  return out;
}

SparseWeights make_weights(std::vector<uint64_t> dims, double density, uint32_t clusters,
                           uint64_t seed) {
  const Clustered tail = cluster_tail(density, clusters, seed);
  SparseWeights out;
  out.dims = std::move(dims);
  out.codebook = tail.codebook;
  std::mt19937_64 random(seed);
  const double log_skip = std::log1p(-density);
  const auto cols = static_cast<double>(out.cols());
  const double scale = 1 / std::sqrt(cols * density);
  for (float& value : out.codebook) value = static_cast<float>(value * scale);
  out.row_ptr.push_back(0);
  for (uint64_t row = 0; row < out.rows(); ++row) {
    double col = std::floor(std::log(uniform(&random)) / log_skip);
    while (col < cols) {
      out.col.push_back(static_cast<uint32_t>(col));
      out.codes.push_back(tail.codes[random() % tail.codes.size()]);
      col += 1 + std::floor(std::log(uniform(&random)) / log_skip);
    }
    out.row_ptr.push_back(out.col.size());
  }
  return out;
}

std::vector<uint8_t> dcf_bytes(const SparseWeights& weights) {
  std::vector<uint8_t> bytes;
  const dcf_sink sink{sizeof(dcf_sink), &bytes, append};
  Writer writer = Writer::open(sink).value();
  dcf_encode_options options = dcf::encode_options();
  options.positions = DCF_POSITIONS_GAP;
  writer
      .add_codes<float>("weight", weights.dims, weights.row_ptr, weights.col, weights.codes,
                        weights.codebook, options)
      .value();
  writer.finish().value();
  return bytes;
}

void write_bytes(const std::string& path, std::span<const uint8_t> bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  require(file.good(), "cannot write " + path);
}

File open_bytes(std::span<const uint8_t> bytes, uint32_t threads) {
  return File::open(bytes, options_for(threads)).value();
}

File open_path(const std::string& path, uint32_t threads) {
  return File::open(path, options_for(threads)).value();
}

void check(dcf_status status, const dcf_error& error) {
  require(status == DCF_OK, error.message);
}

dcf_tensor_info describe(const dcf_file* file) {
  dcf_tensor_info info{};
  info.struct_size = sizeof info;
  dcf_error error = DCF_ERROR_INIT;
  check(dcf_tensor_describe(file, 0, &info, &error), error);
  return info;
}

Layer prepare(const File& file, const LayerChoice& choice) {
  return Layer::prepare(file.tensor(0).value(), options_for(choice)).value();
}

Layer prepare(const File& file, const ConvShape& shape, const LayerChoice& choice) {
  return Layer::prepare_conv2d(file.tensor(0).value(), conv2d_shape(shape), options_for(choice))
      .value();
}

dcf_conv2d_shape conv2d_shape(const ConvShape& shape) {
  dcf_conv2d_shape conv{};
  conv.struct_size = sizeof conv;
  conv.in_channels = shape.in;
  conv.height = conv.width = shape.size;
  conv.pad_h = conv.pad_w = shape.kernel / 2;
  conv.groups = shape.groups;
  return conv;
}

dcf_layer_info describe(const dcf_layer* layer) {
  dcf_layer_info info{};
  info.struct_size = sizeof info;
  dcf_error error = DCF_ERROR_INIT;
  check(dcf_layer_describe(layer, &info, &error), error);
  return info;
}

void apply(const dcf_layer* layer, std::span<const float> x, std::span<float> y, uint64_t batch) {
  dcf_error error = DCF_ERROR_INIT;
  check(dcf_layer_apply(layer, x.data(), x.size(), y.data(), y.size(), batch, &error), error);
}

}  // namespace dcf::bench
