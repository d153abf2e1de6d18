// SPDX-License-Identifier: Apache-2.0
#include "dcf/tensor_report.h"

#include <fmt/format.h>

#include "dcf/display.h"
#include "dcf/table.h"

namespace dcf::tools {
namespace {

dcf_tensor_bytes measure(const DcfFile& file, size_t i) {
  dcf_tensor_bytes bytes{};
  bytes.struct_size = sizeof bytes;
  dcf_error error{};
  file.check(dcf_tensor_measure(file.handle(), i, &bytes, &error), error);
  return bytes;
}

double bits_per_weight(const dcf_tensor_info& t, const dcf_tensor_bytes& bytes) {
  return t.elements == 0 ? 0 : 8.0 * static_cast<double>(bytes.total) / static_cast<double>(t.elements);
}

double ratio(const dcf_file_info& info) {
  return static_cast<double>(info.dense_bytes) / static_cast<double>(info.file_bytes);
}

const char* fidelity_name(dcf_fidelity fidelity) {
  switch (fidelity) {
    case DCF_BIT_EXACT: return "bit-exact";
    case DCF_VALUE_EXACT: return "value-exact";
    case DCF_LOSSY: return "lossy";
  }
  return "";
}

std::string text_of(const char* data, size_t size) { return std::string(data, size); }

OrderedJson tensor_json(const DcfFile& file, size_t i) {
  const dcf_tensor_info t = file.tensor(i);
  const dcf_tensor_bytes bytes = measure(file, i);
  const uint64_t fillers = t.positions == DCF_POS_GAP ? t.entries - t.nonzeros : 0;
  OrderedJson json;
  json["name"] = text_of(t.name, t.name_size);
  json["dtype"] = t.dtype == DCF_OPAQUE ? dcf_tensor_opaque_name(file.handle(), i) : dcf_dtype_name(t.dtype);
  json["shape"] = std::vector<uint64_t>(t.dims, t.dims + t.rank);
  json["encoding"] = {{"positions", dcf_positions_name(t.positions)}, {"values", dcf_values_name(t.values)}};
  json["elements"] = t.elements;
  json["nonzeros"] = t.nonzeros;
  json["entries"] = t.entries;
  json["fillers"] = fillers;
  json["codebook_size"] = t.codebook_size;
  json["gap_bits"] = t.gap_bits;
  json["bits_per_weight"] = bits_per_weight(t, bytes);
  json["bytes"] = {{"positions", bytes.positions}, {"values", bytes.values}, {"codebook", bytes.codebook},
                   {"tables", bytes.tables},       {"other", bytes.other},   {"total", bytes.total}};
  json["fidelity"] = fidelity_name(t.fidelity);
  json["error_bound"] = t.error_bound;
  json["alias_of"] = nullptr;
  if (t.alias_of != DCF_NO_TENSOR) {
    const dcf_tensor_info target = file.tensor(t.alias_of);
    json["alias_of"] = text_of(target.name, target.name_size);
  }
  return json;
}

}  // namespace

OrderedJson report_json(const DcfFile& file) {
  const dcf_file_info info = file.info();
  OrderedJson json;
  json["format"] = {{"major", info.format_major}, {"minor", info.format_minor}};
  json["file_bytes"] = info.file_bytes;
  json["overhead_bytes"] = info.overhead_bytes;
  json["dense_bytes"] = info.dense_bytes;
  json["ratio"] = ratio(info);
  json["metadata"] = OrderedJson::object();
  for (const auto& [key, value] : file.metadata()) json["metadata"][key] = value;
  json["tensors"] = OrderedJson::array();
  for (size_t i = 0; i < file.tensor_count(); ++i) json["tensors"].push_back(tensor_json(file, i));
  return json;
}

std::string report_text(const DcfFile& file, size_t width) {
  Table table({{"tensor", Align::kLeft}, {"dtype", Align::kLeft}, {"shape", Align::kLeft}, {"encoding", Align::kLeft},
               {"density"}, {"codebook"}, {"bits/weight"}, {"bytes"}, {"ratio"}});
  for (size_t i = 0; i < file.tensor_count(); ++i) {
    const dcf_tensor_info t = file.tensor(i);
    const dcf_tensor_bytes bytes = measure(file, i);
    std::string encoding = fmt::format("{} x {}", dcf_positions_name(t.positions), dcf_values_name(t.values));
    if (t.alias_of != DCF_NO_TENSOR) encoding = "alias";
    const double elements = static_cast<double>(t.elements);
    table.add_row({printable_name(text_of(t.name, t.name_size)), dcf_dtype_name(t.dtype),
                   human_shape({t.dims, t.rank}), encoding,
                   t.elements == 0 ? "-" : fmt::format("{:.1f} %", 100 * static_cast<double>(t.nonzeros) / elements),
                   t.codebook_size == 0 ? "-" : fmt::format("{}", t.codebook_size),
                   fmt::format("{:.3f}", bits_per_weight(t, bytes)), fmt::format("{}", bytes.total),
                   bytes.total == 0 ? "-" : fmt::format("{:.1f}x", static_cast<double>(t.dense_bytes) / static_cast<double>(bytes.total))});
  }
  const dcf_file_info info = file.info();
  return table.render(width) +
         fmt::format("{} tensors, {} -> {} ({:.2f}x), header and manifest {} bytes, format {}.{}\n", info.tensors,
                     human_bytes(info.dense_bytes), human_bytes(info.file_bytes), ratio(info), info.overhead_bytes,
                     info.format_major, info.format_minor);
}

}  // namespace dcf::tools
