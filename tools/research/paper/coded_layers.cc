// SPDX-License-Identifier: Apache-2.0
#include "research/paper/coded_layers.h"

#include <algorithm>
#include <bit>

namespace dcf::tools {
namespace {

double ratio(double part, uint64_t whole) {
  return whole == 0 ? 0 : part / static_cast<double>(whole);
}

// How elements lie in rows of `cols` columns.
struct View {
  uint64_t cols;
  bool transposed;
};

// Gaps as the format has them: positions count from the start of a row; a filler stands where the
// next entry is more than 2^bits columns on. Empty where entries do not come to the file's number.
std::vector<uint64_t> count_gaps(const std::vector<uint16_t>& codes, const dcf_tensor_info& t,
                                 View view) {
  const uint64_t reach = uint64_t{1} << t.gap_bits;
  const uint64_t rows = (t.elements + view.cols - 1) / view.cols;
  std::vector<uint64_t> gaps(reach);
  uint64_t entries = 0;
  uint64_t next = 0;  // the first column not yet passed
  for (uint64_t v = 0; v < t.elements; ++v) {
    const uint64_t col = v % view.cols;
    if (col == 0) next = 0;
    if (codes[view.transposed ? col * rows + v / view.cols : v] == 0) continue;
    for (; col - next >= reach; next += reach, ++entries) ++gaps[reach - 1];
    ++gaps[col - next];
    ++entries;
    next = col + 1;
  }
  if (entries != t.entries) gaps.clear();
  return gaps;
}

// A file does not tell in which of the forms of section 4.3 of the format a tensor lies, but the
// number of its fillers gives it away.
std::vector<uint64_t> count_gaps(const std::vector<uint16_t>& codes, const dcf_tensor_info& t) {
  const View views[] = {{t.cols, false},
                        {t.rows, true},
                        {(t.elements + t.chunks - 1) / t.chunks, false},
                        {t.elements, false}};
  for (const View& view : views) {
    std::vector<uint64_t> gaps = count_gaps(codes, t, view);
    if (!gaps.empty()) return gaps;
  }
  return {};
}

void count_symbols(const DcfFile& file, size_t i, const dcf_tensor_info& t, LayerMeasure* layer) {
  if (t.values != DCF_VALUES_PALETTE) return;
  std::vector<uint16_t> codes(t.elements);
  dcf_error error = DCF_ERROR_INIT;
  file.check(dcf_tensor_decode_codes(file.handle(), i, codes.data(), codes.size(), &error), error);
  const bool sparse = t.positions != DCF_POSITIONS_DENSE;
  layer->codes.assign(t.codebook_size + (sparse ? 1 : 0), 0);
  for (const uint16_t c : codes) ++layer->codes[c];
  if (sparse) layer->codes[0] = t.entries - t.nonzeros;
  if (t.positions == DCF_POSITIONS_GAP && t.chunks > 0) layer->gaps = count_gaps(codes, t);
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
    if (histograms) count_symbols(file, i, t, &layer);
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
