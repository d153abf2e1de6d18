// SPDX-License-Identifier: Apache-2.0
#include "cli/tensor_report.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "cli/display.h"
#include "cli/output.h"
#include "cli/text_table.h"
#include "formats/sha256.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

bool has_coded_names(const dcf_file_info& info) {
  return (info.features & DCF_FEATURE_CODED_NAMES) != 0;
}

double bits_per_weight(const dcf_tensor_info& t, const dcf_tensor_bytes& bytes) {
  return t.elements == 0 ? 0
                         : 8.0 * static_cast<double>(bytes.total) / static_cast<double>(t.elements);
}

double ratio(const dcf_file_info& info) {
  return static_cast<double>(info.dense_bytes) / static_cast<double>(info.file_bytes);
}

std::string_view name_of(const dcf_tensor_info& t) {
  return {t.name, t.name_size};
}

std::string density_text(const dcf_tensor_info& t) {
  if (t.elements == 0) return "-";
  return fmt::format("{:.1f} %",
                     100 * static_cast<double>(t.nonzeros) / static_cast<double>(t.elements));
}

std::string type_text(const dcf_tensor_info& t, const std::string* original) {
  const std::string own = dcf_dtype_name(t.dtype);
  return original == nullptr ? own : own + " (" + printable(*original) + ")";
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

}  // namespace

std::string encoding_text(const dcf_tensor_info& t) {
  if (t.alias_of != DCF_NO_TENSOR) return "alias";
  if (t.values == DCF_VALUES_RAW) return dcf_values_name(t.values);
  return fmt::format("{} x {}", dcf_positions_name(t.positions), dcf_values_name(t.values));
}

TensorReport::TensorReport(const DcfFile& file, const OriginalFiles* originals)
    : file_(file), originals_(originals) {
  const size_t count = file.tensor_count();
  for (auto* const list : {&positions_, &values_}) list->reserve(count);
  codebook_.reserve(count);
  for (auto* const list : {&tables_, &other_}) list->reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const dcf_tensor_bytes bytes = file.measure(i);
    positions_.push_back(bytes.positions);
    values_.push_back(bytes.values);
    codebook_.push_back(bytes.codebook);
    tables_.push_back(static_cast<uint32_t>(bytes.tables));
    other_.push_back(static_cast<uint32_t>(bytes.other));
  }
}

const std::string* TensorReport::original_type(size_t i) const {
  if (originals_ == nullptr) return nullptr;
  const auto it = originals_->types().find(i);
  return it == originals_->types().end() ? nullptr : &it->second;
}

// null where the file keeps none.
void TensorReport::write_originals(JsonWriter* json) const {
  json->key("original");
  if (originals_ == nullptr) {
    json->value(nullptr);
    return;
  }
  json->begin_object();
  json->member("format", originals_->format());
  json->member("bytes", originals_->bytes());
  json->key("files");
  json->begin_array();
  for (const LayoutFile& file : originals_->files()) {
    json->begin_object();
    json->member("name", file.name);
    json->member("bytes", file.bytes);
    json->member("sha256", hex_text(file.sha256));
    json->end();
  }
  json->end();
  json->end();
}

dcf_tensor_bytes TensorReport::bytes_of(size_t i) const {
  dcf_tensor_bytes bytes{};
  bytes.positions = positions_[i];
  bytes.values = values_[i];
  bytes.codebook = codebook_[i];
  bytes.tables = tables_[i];
  bytes.other = other_[i];
  bytes.total = bytes.positions + bytes.values + bytes.codebook + bytes.tables + bytes.other;
  return bytes;
}

void TensorReport::write_tensor(size_t i, JsonWriter* json) const {
  const dcf_tensor_info t = file_.tensor(i);
  const dcf_tensor_bytes bytes = bytes_of(i);
  json->begin_object();
  json->member("name", name_of(t));
  json->member("dtype", dcf_dtype_name(t.dtype));
  if (t.dtype == DCF_DTYPE_OPAQUE) {
    json->member("dtype_bits", t.dtype_bits);
    json->member("opaque_name", dcf_tensor_opaque_name(file_.handle(), i));
  }
  json->key("shape");
  json->begin_array();
  for (uint32_t d = 0; d < t.rank; ++d) json->value(t.dims[d]);
  json->end();
  json->key("encoding");
  json->begin_object();
  json->member("positions", dcf_positions_name(t.positions));
  json->member("values", dcf_values_name(t.values));
  json->end();
  json->member("elements", t.elements);
  json->member("nonzeros", t.nonzeros);
  json->member("entries", t.entries);
  json->member("fillers", t.positions == DCF_POSITIONS_GAP ? t.entries - t.nonzeros : uint64_t{0});
  json->member("codebook_size", t.codebook_size);
  json->member("gap_bits", t.gap_bits);
  json->member("bits_per_weight", bits_per_weight(t, bytes));
  json->key("bytes");
  json->begin_object();
  json->member("positions", bytes.positions);
  json->member("values", bytes.values);
  json->member("codebook", bytes.codebook);
  json->member("tables", bytes.tables);
  json->member("other", bytes.other);
  json->member("total", bytes.total);
  json->end();
  if (const std::string* const type = original_type(i)) json->member("original_type", *type);
  json->member("fidelity", dcf_fidelity_name(t.fidelity));
  json->member("error_bound", t.error_bound);
  json->key("alias_of");
  if (t.alias_of == DCF_NO_TENSOR) {
    json->value(nullptr);
  } else {
    json->value(name_of(file_.tensor(t.alias_of)));
  }
  json->end();
}

void TensorReport::write_members(JsonWriter* json) const {
  const dcf_file_info info = file_.info();
  json->key("format");
  json->begin_object();
  json->member("major", info.format_major);
  json->member("minor", info.format_minor);
  json->end();
  json->member("file_bytes", info.file_bytes);
  json->member("overhead_bytes", info.overhead_bytes);
  json->member("name_bytes", info.name_bytes);
  json->member("coded_names", has_coded_names(info));
  json->member("dense_bytes", info.dense_bytes);
  json->member("ratio", ratio(info));
  write_originals(json);
  json->key("metadata");
  json->begin_object();
  file_.each_metadata(
      [&](std::string_view key, std::string_view value) { json->member(key, value); });
  json->end();
  json->key("tensors");
  json->begin_array();
  for (size_t i = 0; i < file_.tensor_count(); ++i) write_tensor(i, json);
  json->end();
}

std::vector<std::string> TensorReport::row_of(size_t i, const ReportStyle& style) const {
  const dcf_tensor_info t = file_.tensor(i);
  const dcf_tensor_bytes bytes = bytes_of(i);
  std::vector<std::string> row = {printable_name(name_of(t)),
                                  type_text(t, original_type(i)),
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
  row.push_back(
      human_ratio(static_cast<double>(t.dense_bytes), static_cast<double>(bytes.total), 1));
  return row;
}

void TensorReport::print_text(const ReportStyle& style) const {
  TableLayout layout(columns_of(style));
  const size_t count = file_.tensor_count();
  for (size_t i = 0; i < count; ++i) layout.fit(row_of(i, style));
  layout.limit(style.width);
  print_out(layout.titles());
  for (size_t i = 0; i < count; ++i) print_out(layout.row(row_of(i, style)));
  const dcf_file_info info = file_.info();
  print_out(fold_list(
      {human_count(info.tensors, "tensor"),
       fmt::format("{} \u2192 {} ({})", human_bytes(info.dense_bytes), human_bytes(info.file_bytes),
                   human_ratio(static_cast<double>(info.dense_bytes),
                               static_cast<double>(info.file_bytes), 1)),
       fmt::format("header and manifest {}", human_bytes(info.overhead_bytes)),
       fmt::format("names {}{}", human_bytes(info.name_bytes),
                   has_coded_names(info) ? " (coded)" : ""),
       fmt::format("format {}.{}", info.format_major, info.format_minor)},
      style.width));
  if (originals_ != nullptr) {
    print_out(fold_list(
        {"made from " + printable(originals_->files()[0].name) + " (" +
             printable(originals_->format()) + ")",
         human_count(originals_->files().size(), "file"), human_bytes(originals_->bytes()),
         "SHA-256 " + hex_text(originals_->files()[0].sha256).substr(0, 16) + "..."},
        style.width));
  }
}

}  // namespace dcf::tools
