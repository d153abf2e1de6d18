// SPDX-License-Identifier: Apache-2.0
#include "cli/tensor_speed.h"

#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "cli/stopwatch.h"

namespace dcf::tools {
namespace {

// Nothing where the dtype or the memory limit forbids it. `kernel` NULL: the library's choice.
std::optional<Layer> prepare(const DcfFile& file, size_t index, uint64_t batch,
                             const char* kernel) {
  dcf_layer_options options = dcf::layer_options();
  options.batch = batch;
  options.kernel = kernel;
  const dcf::Result<Tensor> tensor = file.opened().tensor(index);
  file.check(tensor.status(), tensor.error());
  dcf::Result<Layer> layer = Layer::prepare(*tensor, options);
  if (layer.status() == DCF_STATUS_LIMIT_MEMORY || layer.status() == DCF_STATUS_UNSUPPORTED_DTYPE) {
    return std::nullopt;
  }
  file.check(layer.status(), layer.error());
  return std::move(*layer);
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
std::optional<double> measure_product(const DcfFile& file, const Layer& layer, uint64_t batch,
                                      const Repeats& repeats, Samples* samples) {
  const auto apply = [&] { return layer.apply(samples->x, samples->y, batch); };
  const dcf::Status first = apply();
  if (first.status() == DCF_STATUS_LIMIT_MEMORY) return std::nullopt;
  file.check(first.status(), first.error());
  return median_seconds(
      [&] {
        const dcf::Status again = apply();
        file.check(again.status(), again.error());
      },
      repeats);
}

}  // namespace

std::optional<DecodeSpeed> measure_decoding(const DcfFile& file, size_t index,
                                            const Repeats& repeats) {
  const uint64_t bytes = file.tensor(index).dense_bytes;
  if (bytes == 0 || bytes > file.max_memory() / 2) return std::nullopt;
  std::vector<uint8_t> dense(bytes);
  std::vector<uint8_t> copy(bytes);
  DecodeSpeed speed{};
  speed.decode = median_seconds(
      [&] {
        dcf_error error = DCF_ERROR_INIT;
        file.check(dcf_tensor_decode(file.handle(), index, DCF_DTYPE_NONE, dense.data(),
                                     dense.size(), &error),
                   error);
      },
      repeats);
  speed.copy = median_seconds([&] { std::memcpy(copy.data(), dense.data(), bytes); }, repeats);
  return speed;
}

std::optional<LayerSpeed> measure_layer(const DcfFile& file, size_t index, const Repeats& repeats) {
  const dcf_tensor_info t = file.tensor(index);
  constexpr uint64_t kMostBatch = 64;
  const uint64_t most = file.max_memory() / (2 * kMostBatch * sizeof(float));
  if (t.rank < 2 || t.elements == 0 || t.rows > most || t.cols > most) return std::nullopt;
  LayerSpeed speed{};
  for (const uint64_t batch : {uint64_t{1}, kMostBatch}) {
    const std::optional<Layer> layer = prepare(file, index, batch, nullptr);
    if (!layer) return std::nullopt;
    Samples samples(t, batch);
    const std::optional<double> seconds = measure_product(file, *layer, batch, repeats, &samples);
    if (!seconds) return std::nullopt;
    ProductSpeed product{batch, layer->info().kernel, *seconds, std::nullopt};
    if (const std::optional<Layer> dense = prepare(file, index, batch, "dense")) {
      product.dense = measure_product(file, *dense, batch, repeats, &samples);
    }
    speed.products.push_back(std::move(product));
  }
  speed.load = median_seconds([&] { prepare(file, index, 1, nullptr); }, repeats);
  return speed;
}

}  // namespace dcf::tools
