// SPDX-License-Identifier: Apache-2.0
#include "paper/coded_size.h"

#include <memory>

#include "model/dcf_error.h"

namespace dcf::tools {
namespace {

struct Closer {
  void operator()(dcf_writer* writer) const { dcf_writer_close(writer); }
};

int count(void* total, const void*, size_t size) {
  *static_cast<uint64_t*>(total) += size;
  return 0;
}

void check(dcf_status status, const dcf_error& error) {
  if (status != DCF_OK) throw_dcf_error("a network in memory", status, error, nullptr);
}

void add(dcf_writer* writer, const std::string& name, const std::vector<uint64_t>& dims,
         const std::vector<float>& data, dcf_positions_choice positions) {
  dcf_tensor_spec spec{};
  spec.struct_size = sizeof spec;
  spec.name = name.data();
  spec.name_size = name.size();
  spec.dtype = DCF_F32;
  spec.rank = static_cast<uint32_t>(dims.size());
  spec.dims = dims.data();
  dcf_encode_options options;
  dcf_encode_options_init(&options);
  options.positions = positions;
  options.canonical_zeros = 1;
  dcf_error error{};
  check(dcf_writer_add_dense(writer, &spec, data.data(), data.size() * sizeof(float), &options,
                             &error),
        error);
}

}  // namespace

uint64_t dense_bytes(const NetWeights& net) {
  uint64_t n = 0;
  for (const LayerWeights& layer : net) n += layer.weights.size() + layer.biases.size();
  return n * sizeof(float);
}

uint64_t coded_bytes(const NetWeights& net, dcf_positions_choice positions) {
  uint64_t total = 0;
  const dcf_sink sink{&total, count};
  dcf_writer* raw = nullptr;
  dcf_error error{};
  const dcf_status opened = dcf_writer_open_sink(&sink, nullptr, &raw, &error);
  const std::unique_ptr<dcf_writer, Closer> writer(raw);
  check(opened, error);
  for (const LayerWeights& layer : net) {
    add(raw, layer.name + ".weight", layer.dims, layer.weights, positions);
    add(raw, layer.name + ".bias", {layer.biases.size()}, layer.biases, DCF_CHOOSE_AUTO);
  }
  check(dcf_writer_finish(raw, &error), error);
  return total;
}

}  // namespace dcf::tools
