// SPDX-License-Identifier: Apache-2.0
#include "research/paper/coded_layers.h"

#include <algorithm>
#include <bit>

namespace dcf::tools {
namespace {

double ratio(double part, uint64_t whole) {
  return whole == 0 ? 0 : part / static_cast<double>(whole);
}

}  // namespace

double LayerMeasure::kept_percent() const {
  return 100 * ratio(static_cast<double>(kept), weights);
}

double LayerMeasure::weight_bits() const {
  // Gap positions need a code for fillers.
  const uint32_t symbols = codebook + (gap_bits > 0 ? 1 : 0);
  return symbols < 2 ? 0 : static_cast<double>(std::bit_width(symbols - 1));
}

double LayerMeasure::weight_bits_coded() const {
  return ratio(8 * static_cast<double>(bytes.values), entries);
}

double LayerMeasure::index_bits_coded() const {
  return ratio(8 * static_cast<double>(bytes.positions), entries);
}

double LayerMeasure::rate() const {
  return 100 * ratio(static_cast<double>(bytes.total) / sizeof(float), weights);
}

uint64_t NetMeasure::other_bytes() const {
  uint64_t rest = file_bytes;
  for (const LayerMeasure& layer : layers) {
    rest -= layer.bytes.positions + layer.bytes.values + layer.bytes.codebook + layer.bytes.tables;
  }
  return rest;
}

NetMeasure measure_file(const DcfFile& file, const std::vector<std::string>& order,
                        bool histograms) {
  NetMeasure net;
  const dcf_file_info info = file.info();
  net.file_bytes = info.file_bytes;
  net.dense_bytes = info.dense_bytes;
  for (size_t i = 0; i < file.tensor_count(); ++i) {
    const dcf_tensor_info t = file.tensor(i);
    if (t.rank < 2) continue;
    LayerMeasure layer;
    layer.name.assign(t.name, t.name_size);
    layer.weights = t.elements;
    layer.kept = t.nonzeros;
    layer.entries = t.entries;
    layer.codebook = t.codebook_size;
    layer.gap_bits = t.gap_bits;
    layer.bytes.struct_size = sizeof layer.bytes;
    dcf_error error = DCF_ERROR_INIT;
    file.check(dcf_tensor_measure(file.handle(), i, &layer.bytes, &error), error);
    if (histograms) layer.counts = count_symbols(file, i);
    net.layers.push_back(std::move(layer));
  }
  const auto place = [&](const LayerMeasure& layer) {
    return std::find_if(order.begin(), order.end(),
                        [&](const std::string& name) { return name + ".weight" == layer.name; }) -
           order.begin();
  };
  std::stable_sort(
      net.layers.begin(), net.layers.end(),
      [&](const LayerMeasure& a, const LayerMeasure& b) { return place(a) < place(b); });
  return net;
}

}  // namespace dcf::tools
