// SPDX-License-Identifier: Apache-2.0
#include "cli/tensor_report.h"

#include <fmt/format.h>

#include "cli/display.h"
#include "cli/text_table.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

dcf_tensor_bytes measure(const DcfFile& file, size_t i) {
  dcf_tensor_bytes bytes{};
  bytes.struct_size = sizeof bytes;
  dcf_error error = DCF_ERROR_INIT;
  file.check(dcf_tensor_measure(file.handle(), i, &bytes, &error), error);
  return bytes;
}

double bits_per_weight(const dcf_tensor_info& t, const dcf_tensor_bytes& bytes) {
  return t.elements == 0 ? 0
                         : 8.0 * static_cast<double>(bytes.total) / static_cast<double>(t.elements);
}

double ratio(const dcf_file_info& info) {
  return static_cast<double>(info.dense_bytes) / static_cast<double>(info.file_bytes);
}

const char* fidelity_name(dcf_fidelity fidelity) {
  switch (fidelity) {
    case DCF_FIDELITY_BIT_EXACT:
      return "bit-exact";
    case DCF_FIDELITY_VALUE_EXACT:
      return "value-exact";
    case DCF_FIDELITY_LOSSY:
      return "lossy";
  }
  return "";
}

std::string text_of(const char* data, size_t size) {
  return std::string(data, size);
}

OrderedJson tensor_json(const DcfFile& file, size_t i) {
  const dcf_tensor_info t = file.tensor(i);
  const dcf_tensor_bytes bytes = measure(file, i);
  const uint64_t fillers = t.positions == DCF_POSITIONS_GAP ? t.entries - t.nonzeros : 0;
  OrderedJson json;
  json["name"] = text_of(t.name, t.name_size);
  json["dtype"] = dcf_dtype_name(t.dtype);
  if (t.dtype == DCF_DTYPE_OPAQUE) {
    json["dtype_bits"] = t.dtype_bits;
    json["opaque_name"] = dcf_tensor_opaque_name(file.handle(), i);
  }
  json["shape"] = std::vector<uint64_t>(t.dims, t.dims + t.rank);
  json["encoding"] = {{"positions", dcf_positions_name(t.positions)},
                      {"values", dcf_values_name(t.values)}};
  json["elements"] = t.elements;
  json["nonzeros"] = t.nonzeros;
  json["entries"] = t.entries;
  json["fillers"] = fillers;
  json["codebook_size"] = t.codebook_size;
  json["gap_bits"] = t.gap_bits;
  json["bits_per_weight"] = bits_per_weight(t, bytes);
  json["bytes"] = {{"positions", bytes.positions}, {"values", bytes.values},
                   {"codebook", bytes.codebook},   {"tables", bytes.tables},
                   {"other", bytes.other},         {"total", bytes.total}};
  json["fidelity"] = fidelity_name(t.fidelity);
  json["error_bound"] = t.error_bound;
  json["alias_of"] = nullptr;
  if (t.alias_of != DCF_NO_TENSOR) {
    const dcf_tensor_info target = file.tensor(t.alias_of);
    json["alias_of"] = text_of(target.name, target.name_size);
  }
  return json;
}

std::string ratio_text(uint64_t dense, uint64_t stored) {
  if (stored == 0) return "-";
  return fmt::format("{:.1f}x", static_cast<double>(dense) / static_cast<double>(stored));
}

std::string density_text(const dcf_tensor_info& t) {
  if (t.elements == 0) return "-";
  return fmt::format("{:.1f} %",
                     100 * static_cast<double>(t.nonzeros) / static_cast<double>(t.elements));
}

std::string encoding_text(const dcf_tensor_info& t) {
  if (t.alias_of != DCF_NO_TENSOR) return "alias";
  if (t.values == DCF_VALUES_RAW) return dcf_values_name(t.values);
  return fmt::format("{} x {}", dcf_positions_name(t.positions), dcf_values_name(t.values));
}

std::vector<Column> columns_of(const ReportStyle& style) {
  std::vector<Column> columns = {{"tensor", Align::kLeft},   {"dtype", Align::kLeft},
                                 {"shape", Align::kLeft},    {"encoding", Align::kLeft},
                                 {"density", Align::kRight}, {"codebook", Align::kRight}};
  if (style.by_part) {
    for (const char* const part : {"positions", "values", "book", "tables", "other"}) {
      columns.push_back({part, Align::kRight});
    }
  }
  for (const char* const title : {"bits/weight", "bytes", "ratio"}) {
    columns.push_back({title, Align::kRight});
  }
  return columns;
}

std::vector<std::string> row_of(const DcfFile& file, size_t i, const ReportStyle& style) {
  const dcf_tensor_info t = file.tensor(i);
  const dcf_tensor_bytes bytes = measure(file, i);
  std::vector<std::string> row = {printable(text_of(t.name, t.name_size)),
                                  dcf_dtype_name(t.dtype),
                                  human_shape({t.dims, t.rank}),
                                  encoding_text(t),
                                  density_text(t),
                                  t.codebook_size == 0 ? "-" : std::to_string(t.codebook_size)};
  if (style.by_part) {
    for (const uint64_t part :
         {bytes.positions, bytes.values, bytes.codebook, bytes.tables, bytes.other}) {
      row.push_back(std::to_string(part));
    }
  }
  row.push_back(fmt::format("{:.3f}", bits_per_weight(t, bytes)));
  row.push_back(std::to_string(bytes.total));
  row.push_back(ratio_text(t.dense_bytes, bytes.total));
  return row;
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

std::string report_text(const DcfFile& file, const ReportStyle& style) {
  Table table(columns_of(style));
  for (size_t i = 0; i < file.tensor_count(); ++i) table.add_row(row_of(file, i, style));
  const dcf_file_info info = file.info();
  return table.render(style.width) +
         fmt::format("{}, {} \u2192 {} ({}), header and manifest {}, format {}.{}\n",
                     human_count(info.tensors, "tensor"), human_bytes(info.dense_bytes),
                     human_bytes(info.file_bytes), ratio_text(info.dense_bytes, info.file_bytes),
                     human_bytes(info.overhead_bytes), info.format_major, info.format_minor);
}

}  // namespace dcf::tools
