// SPDX-License-Identifier: Apache-2.0
#include "cli/network/run.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "formats/text.h"

namespace dcf::tools {
namespace {

// Bytes of the inputs and outputs of one layer for the rows that run at once. One row may need
// more.
constexpr uint64_t kSliceBytes = uint64_t{32} << 20;
constexpr uint64_t kMaxSlice = 1024;

std::string dims_text(std::span<const uint64_t> dims) {
  std::string text = "[";
  for (const uint64_t dim : dims) text += (text.size() == 1 ? "" : ", ") + std::to_string(dim);
  return text + "]";
}

// The tensor of this name, which must have this shape. Nothing where there is none.
std::optional<size_t> look_for_tensor(const DcfFile& file, const std::string& name,
                                      const std::vector<uint64_t>& dims) {
  size_t index = 0;
  dcf_error error = DCF_ERROR_INIT;
  const dcf_status status =
      dcf_tensor_find(file.handle(), name.data(), name.size(), &index, &error);
  if (status == DCF_STATUS_NOT_FOUND) return std::nullopt;
  file.check(status, error);
  const TensorMeta meta = file.meta(index);
  if (meta.dims != dims) {
    throw_invalid(file.path(), "has " + quote(name) + " of shape " + dims_text(meta.dims) +
                                   ", where its network needs " + dims_text(dims));
  }
  return index;
}

size_t find_tensor(const DcfFile& file, const std::string& name,
                   const std::vector<uint64_t>& dims) {
  const std::optional<size_t> index = look_for_tensor(file, name, dims);
  if (!index) throw_invalid(file.path(), "lacks the tensor " + quote(name) + " of its network");
  return *index;
}

// A layer and its tensors.
struct Step {
  const Layer* layer = nullptr;
  size_t weight = 0;
  std::optional<size_t> bias_index;  // none: a layer without a bias
  std::vector<float> bias;
  // The packed weights. None if they do not fit in the memory limit: then they are decoded for
  // every slice. A packed layer adds its bias itself, and applies the ReLU that follows, if any.
  std::optional<dcf::Layer> packed;
  bool is_done = false;  // by the packed layer before it
};

Step find_step(const DcfFile& file, const Layer& layer) {
  Step step;
  step.layer = &layer;
  if (!layer.has_weights()) return step;
  step.weight = find_tensor(file, layer.name + ".weight", layer.weight_dims());
  step.bias_index = look_for_tensor(file, layer.name + ".bias", {layer.out.channels});
  if (!step.bias_index) return step;
  const dcf_dtype dtype = file.tensor(*step.bias_index).dtype;
  if (dtype != DCF_DTYPE_F32 && dtype != DCF_DTYPE_F16 && dtype != DCF_DTYPE_BF16) {
    throw_failure(file.path(), "has " + quote(layer.name + ".bias") + " of dtype " +
                                   dcf_dtype_name(dtype) + ", not f32, f16 or bf16");
  }
  return step;
}

void read_bias(const DcfFile& file, Step* step) {
  if (!step->bias_index) return;
  step->bias.resize(step->layer->out.channels);
  dcf_error error = DCF_ERROR_INIT;
  file.check(dcf_tensor_decode(file.handle(), *step->bias_index, DCF_DTYPE_F32, step->bias.data(),
                               step->bias.size() * sizeof(float), &error),
             error);
}

std::vector<float> run_linear(const DcfFile& file, const Step& step, const std::vector<float>& x,
                              uint64_t batch) {
  std::vector<float> y(step.layer->out.channels * batch);
  dcf_error error = DCF_ERROR_INIT;
  file.check(dcf_tensor_matmul(file.handle(), step.weight, x.data(), x.size(), y.data(), y.size(),
                               batch, &error),
             error);
  return y;
}

dcf_conv2d_shape conv_shape(const Layer& l) {
  dcf_conv2d_shape shape{};
  shape.struct_size = sizeof shape;
  shape.in_channels = l.in.channels;
  shape.height = l.in.height;
  shape.width = l.in.width;
  shape.stride_h = shape.stride_w = l.stride;
  shape.pad_h = l.pad_h();
  shape.pad_w = l.pad;
  shape.dilation_h = shape.dilation_w = l.dilation;
  shape.groups = l.groups;
  return shape;
}

std::vector<float> run_conv(const DcfFile& file, const Step& step, const std::vector<float>& x,
                            uint64_t batch) {
  const dcf_conv2d_shape shape = conv_shape(*step.layer);
  std::vector<float> y(step.layer->out.size() * batch);
  dcf_error error = DCF_ERROR_INIT;
  file.check(dcf_tensor_conv2d(file.handle(), step.weight, &shape, x.data(), x.size(), y.data(),
                               y.size(), batch, &error),
             error);
  return y;
}

// Packs the layers for slices of `batch`, the first ones first, as long as all of them together
// take at most `bytes`.
void pack_steps(const DcfFile& file, uint64_t batch, uint64_t bytes, std::vector<Step>* steps) {
  dcf_layer_options options;
  dcf_layer_options_init(&options);
  options.batch = batch;
  options.threads = file.threads();
  for (size_t i = 0; i < steps->size(); ++i) {
    Step& step = (*steps)[i];
    if (!step.layer->has_weights()) continue;
    const bool relu = i + 1 < steps->size() && (*steps)[i + 1].layer->op == Op::kRelu;
    options.bias = step.bias.empty() ? nullptr : step.bias.data();
    options.bias_elements = step.bias.size();
    options.activation = relu ? DCF_ACTIVATION_RELU : DCF_ACTIVATION_NONE;
    const dcf::Tensor weight = file.take(file.opened().tensor(step.weight));
    dcf::Result<dcf::Layer> packed =
        step.layer->op == Op::kConv
            ? dcf::Layer::prepare_conv2d(weight, conv_shape(*step.layer), options)
            : dcf::Layer::prepare(weight, options);
    if (packed.status() == DCF_STATUS_LIMIT_MEMORY) return;
    dcf::Layer layer = file.take(std::move(packed));
    if (layer.info().packed_bytes > bytes) return;
    bytes -= layer.info().packed_bytes;
    step.packed.emplace(std::move(layer));
    if (relu) (*steps)[i + 1].is_done = true;
  }
}

std::vector<float> run_packed(const DcfFile& file, const Step& step, const std::vector<float>& x,
                              uint64_t batch) {
  std::vector<float> y(step.layer->out.size() * batch);
  const dcf::Status status = step.packed->apply(x, y, batch);
  file.check(status.status(), status.error());
  return y;
}

std::vector<float> run_weights(const DcfFile& file, const Step& step, const std::vector<float>& x,
                               uint64_t batch) {
  if (step.packed) return run_packed(file, step, x, batch);
  return step.layer->op == Op::kLinear ? run_linear(file, step, x, batch)
                                       : run_conv(file, step, x, batch);
}

std::vector<float> run_pool(const DcfFile& file, const Layer& l, const std::vector<float>& x,
                            uint64_t batch) {
  dcf_pool2d_shape shape{};
  shape.struct_size = sizeof shape;
  shape.pool = l.op == Op::kMaxPool ? DCF_POOL_MAX : DCF_POOL_AVERAGE;
  shape.channels = l.in.channels;
  shape.height = l.in.height;
  shape.width = l.in.width;
  shape.kernel_h = l.kernel_h;
  shape.kernel_w = l.kernel_w;
  shape.stride_h = shape.stride_w = l.stride;
  shape.pad_h = l.pad_h();
  shape.pad_w = l.pad;
  std::vector<float> y(l.out.size() * batch);
  dcf_error error = DCF_ERROR_INIT;
  file.check(dcf_pool2d(&shape, x.data(), x.size(), y.data(), y.size(), batch, &error), error);
  return y;
}

// y is [batch, channels, plane].
void add_bias(const Step& step, std::vector<float>* y) {
  const uint64_t plane = step.layer->out.height * step.layer->out.width;
  for (size_t i = 0; i < y->size();) {
    for (const float bias : step.bias) {
      for (const size_t end = i + plane; i < end; ++i) (*y)[i] += bias;
    }
  }
}

std::vector<float> run_step(const DcfFile& file, const Step& step, std::vector<float> x,
                            uint64_t batch) {
  if (step.is_done) return x;
  switch (step.layer->op) {
    case Op::kLinear:
    case Op::kConv: {
      std::vector<float> y = run_weights(file, step, x, batch);
      if (!step.packed && !step.bias.empty()) add_bias(step, &y);
      return y;
    }
    case Op::kMaxPool:
    case Op::kAvgPool:
      return run_pool(file, *step.layer, x, batch);
    case Op::kRelu:
      for (float& v : x) v = v < 0 ? 0 : v;  // NaN stays
      return x;
    case Op::kDropout:
      return x;
  }
  return x;
}

// Rows of the batch that are computed at once. The kernels hold tiles of them besides.
uint64_t slice_of(const DcfFile& file, const Network& network) {
  uint64_t row = network.input.size();
  for (const Layer& l : network.layers) row = std::max(row, l.in.size() + l.out.size());
  row *= sizeof(float);
  if (row > file.max_memory()) {
    throw DcfError({.status = DCF_STATUS_LIMIT_MEMORY,
                    .sentence = file.path() + ": one input takes " + std::to_string(row) +
                                " bytes, more than the memory limit of " +
                                std::to_string(file.max_memory()) + " (-M)"});
  }
  constexpr uint64_t kShare = 16;
  const uint64_t bytes = std::min(kSliceBytes, file.max_memory() / kShare);
  return std::clamp(bytes / row, uint64_t{1}, kMaxSlice);
}

}  // namespace

Network read_network(const DcfFile& file) {
  const std::map<std::string, std::string> metadata = file.metadata();
  const auto it = metadata.find(kNetworkKey);
  if (it == metadata.end()) {
    throw_invalid(file.path(),
                  "carries no network: it lacks the metadata '" + std::string(kNetworkKey) + "'");
  }
  Network network = parse_network(it->second, file.path() + ": " + kNetworkKey);
  check_tensors(file, network);
  return network;
}

void check_tensors(const DcfFile& file, const Network& network) {
  for (const Layer& layer : network.layers) find_step(file, layer);
}

void run_network(const DcfFile& file, const Network& network, uint64_t batch,
                 const ReadInputs& read, const TakeOutputs& take) {
  std::vector<Step> steps;
  for (const Layer& layer : network.layers) {
    steps.push_back(find_step(file, layer));
    read_bias(file, &steps.back());
  }
  const auto scale = static_cast<float>(network.scale);
  const auto mean = static_cast<float>(network.mean);
  const uint64_t slice = slice_of(file, network);
  constexpr uint64_t kPackedShare = 2;
  pack_steps(file, std::min(slice, batch), file.max_memory() / kPackedShare, &steps);
  for (uint64_t first = 0; first < batch; first += slice) {
    const uint64_t count = std::min(slice, batch - first);
    std::vector<float> values = read(first, count);
    for (float& value : values) value = (value - mean) * scale;
    for (const Step& step : steps) values = run_step(file, step, std::move(values), count);
    take(values);
  }
}

std::vector<float> run_network(const DcfFile& file, const Network& network,
                               std::span<const float> x, uint64_t batch) {
  const uint64_t inputs = network.input.size();
  if (x.size() / inputs != batch || x.size() % inputs != 0) {
    throw_failure(file.path(), "takes " + std::to_string(inputs) + " values for each of " +
                                   std::to_string(batch) + " inputs, not " +
                                   std::to_string(x.size()) + " in all");
  }
  std::vector<float> result;
  result.reserve(batch * network.outputs());
  run_network(
      file, network, batch,
      [&](uint64_t first, uint64_t count) {
        const auto part = x.subspan(first * inputs, count * inputs);
        return std::vector<float>(part.begin(), part.end());
      },
      [&](std::span<const float> y) { result.insert(result.end(), y.begin(), y.end()); });
  return result;
}

}  // namespace dcf::tools
