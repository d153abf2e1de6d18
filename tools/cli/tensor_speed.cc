// SPDX-License-Identifier: Apache-2.0
#include "cli/tensor_speed.h"

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "cli/stopwatch.h"

namespace dcf::tools {
namespace {

struct Closer {
  void operator()(dcf_layer* layer) const { dcf_layer_close(layer); }
};
using Layer = std::unique_ptr<dcf_layer, Closer>;

// Nothing where the dtype or the memory limit forbids it. `kernel` NULL: the library's choice.
Layer prepare(const DcfFile& file, size_t index, uint64_t batch, const char* kernel) {
  dcf_layer_options options;
  dcf_layer_options_init(&options);
  options.batch = batch;
  options.kernel = kernel;
  dcf_layer* layer = nullptr;
  dcf_error error = DCF_ERROR_INIT;
  const dcf_status status = dcf_layer_prepare(file.handle(), index, &options, &layer, &error);
  if (status == DCF_STATUS_LIMIT_MEMORY || status == DCF_STATUS_UNSUPPORTED_DTYPE) return nullptr;
  file.check(status, error);
  return Layer(layer);
}

std::string kernel_of(const DcfFile& file, const dcf_layer* layer) {
  dcf_layer_info info{};
  info.struct_size = sizeof info;
  dcf_error error = DCF_ERROR_INIT;
  file.check(dcf_layer_describe(layer, &info, &error), error);
  return info.kernel;
}

// Inputs without zeros, and room for outputs.
struct Samples {
  Samples(const dcf_tensor_info& t, uint64_t batch) : x(t.cols * batch), y(t.rows * batch) {
    uint32_t state = 1;
    for (float& value : x) {
      state = state * 1664525 + 1013904223;
      value = static_cast<float>(state >> 8) / (1 << 23) - 1;
    }
  }
  std::vector<float> x;
  std::vector<float> y;
};

// Nothing where the memory limit forbids the product.
std::optional<double> measure_product(const DcfFile& file, const dcf_layer* layer, uint64_t batch,
                                      Samples* samples) {
  dcf_error error = DCF_ERROR_INIT;
  const auto apply = [&] {
    return dcf_layer_apply(layer, samples->x.data(), samples->x.size(), samples->y.data(),
                           samples->y.size(), batch, &error);
  };
  const dcf_status first = apply();
  if (first == DCF_STATUS_LIMIT_MEMORY) return std::nullopt;
  file.check(first, error);
  return median_seconds([&] { file.check(apply(), error); });
}

}  // namespace

std::optional<DecodeSpeed> measure_decoding(const DcfFile& file, size_t index) {
  const uint64_t bytes = file.tensor(index).dense_bytes;
  if (bytes == 0 || bytes > file.max_memory() / 2) return std::nullopt;
  std::vector<uint8_t> dense(bytes);
  std::vector<uint8_t> copy(bytes);
  DecodeSpeed speed{};
  speed.decode = median_seconds([&] {
    dcf_error error = DCF_ERROR_INIT;
    file.check(
        dcf_tensor_decode(file.handle(), index, DCF_DTYPE_NONE, dense.data(), dense.size(), &error),
        error);
  });
  speed.copy = median_seconds([&] { std::memcpy(copy.data(), dense.data(), bytes); });
  return speed;
}

std::optional<LayerSpeed> measure_layer(const DcfFile& file, size_t index) {
  const dcf_tensor_info t = file.tensor(index);
  constexpr uint64_t kMostBatch = 64;
  const uint64_t most = file.max_memory() / (2 * kMostBatch * sizeof(float));
  if (t.rank < 2 || t.elements == 0 || t.rows > most || t.cols > most) return std::nullopt;
  LayerSpeed speed{};
  for (const uint64_t batch : {uint64_t{1}, kMostBatch}) {
    const Layer layer = prepare(file, index, batch, nullptr);
    if (!layer) return std::nullopt;
    Samples samples(t, batch);
    const std::optional<double> seconds = measure_product(file, layer.get(), batch, &samples);
    if (!seconds) return std::nullopt;
    ProductSpeed product{batch, kernel_of(file, layer.get()), *seconds, std::nullopt};
    if (const Layer dense = prepare(file, index, batch, "dense")) {
      product.dense = measure_product(file, dense.get(), batch, &samples);
    }
    speed.products.push_back(std::move(product));
  }
  speed.load = median_seconds([&] { prepare(file, index, 1, nullptr); });
  return speed;
}

}  // namespace dcf::tools
