// SPDX-License-Identifier: Apache-2.0
#include "research/paper/coded_size.h"

#include "formats/dcf_writer.h"

namespace dcf::tools {
namespace {

int count(void* total, const void*, size_t size) {
  *static_cast<uint64_t*>(total) += size;
  return 0;
}

void add(const std::string& name, const std::vector<uint64_t>& dims, const std::vector<float>& data,
         dcf_positions positions, DcfWriter* writer) {
  dcf_encode_options options = encode_options(positions);
  options.canonical_zeros = 1;
  writer->add(float_meta(name, dims), bytes_of(data), options);
}

}  // namespace

uint64_t dense_bytes(const NetWeights& net) {
  uint64_t n = 0;
  for (const LayerWeights& layer : net) n += layer.weights.size() + layer.biases.size();
  return n * sizeof(float);
}

uint64_t coded_bytes(const NetWeights& net, dcf_positions positions) {
  uint64_t total = 0;
  DcfWriter writer("a network in memory", {sizeof(dcf_sink), &total, count}, dcf::writer_options());
  for (const LayerWeights& layer : net) {
    add(layer.name + ".weight", layer.dims, layer.weights, positions, &writer);
    add(layer.name + ".bias", {layer.biases.size()}, layer.biases, DCF_POSITIONS_AUTO, &writer);
  }
  writer.finish();
  return total;
}

}  // namespace dcf::tools
