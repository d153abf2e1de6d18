// SPDX-License-Identifier: Apache-2.0
#include "cli/foreign_report.h"

#include <fmt/format.h>

#include "cli/display.h"
#include "cli/json_writer.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/text_table.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

// Formats whose members carry a checksum.
bool has_checksums(const ModelSource& source) {
  return source.format() == "npz";
}

uint64_t tensor_bytes(const ModelSource& source) {
  uint64_t sum = 0;
  for (const TensorMeta& tensor : source.tensors()) sum += tensor.bytes();
  return sum;
}

std::string type_text(const ModelSource& source, const TensorMeta& tensor, size_t i) {
  const FileLayout* const layout = source.layout();
  const std::string own =
      tensor.dtype == DCF_DTYPE_OPAQUE ? tensor.opaque_name : dcf_dtype_name(tensor.dtype);
  const std::string* const type = layout == nullptr ? nullptr : layout->type(i);
  return printable(type == nullptr ? own : own + " (" + *type + ")");
}

void print_json(const ModelSource& source) {
  JsonWriter json;
  json.begin_object();
  json.member("format", source.format());
  json.member("file_bytes", source.file_bytes());
  json.member("dense_bytes", tensor_bytes(source));
  json.key("metadata");
  json.begin_object();
  for (const auto& [key, value] : source.metadata()) json.member(key, value);
  json.end();
  json.key("tensors");
  json.begin_array();
  for (size_t i = 0; i < source.tensors().size(); ++i) {
    const TensorMeta& tensor = source.tensors()[i];
    json.begin_object();
    json.member("name", tensor.name);
    json.member("dtype", dcf_dtype_name(tensor.dtype));
    if (tensor.dtype == DCF_DTYPE_OPAQUE) {
      json.member("dtype_bits", tensor.bits);
      json.member("opaque_name", tensor.opaque_name);
    }
    json.key("shape");
    json.begin_array();
    for (const uint64_t dim : tensor.dims) json.value(dim);
    json.end();
    json.member("bytes", tensor.bytes());
    const std::string* const type = source.layout() == nullptr ? nullptr : source.layout()->type(i);
    if (type != nullptr) json.member("original_type", *type);
    json.end();
  }
  json.end();
  json.end();
  json.finish();
}

void print_text(const ModelSource& source) {
  TableLayout layout({{"tensor", Align::kLeft},
                      {"dtype", Align::kLeft},
                      {"shape", Align::kLeft},
                      {"bytes", Align::kRight}});
  const auto each_row = [&](const auto& use) {
    for (size_t i = 0; i < source.tensors().size(); ++i) {
      const TensorMeta& tensor = source.tensors()[i];
      use({printable_name(tensor.name), type_text(source, tensor, i), human_shape(tensor.dims),
           std::to_string(tensor.bytes())});
    }
  };
  each_row([&](const std::vector<std::string>& row) { layout.fit(row); });
  layout.limit(table_width());
  print_out(layout.titles());
  each_row([&](const std::vector<std::string>& row) { print_out(layout.row(row)); });
  print_out(fold_list({printable(source.format()), human_count(source.tensors().size(), "tensor"),
                       human_bytes(tensor_bytes(source)) + " of tensors",
                       human_bytes(source.file_bytes()) + " of files",
                       human_count(source.metadata().size(), "metadata pair")},
                      table_width()));
}

}  // namespace

void print_foreign_info(const ModelSource& source, const CommonOptions& common) {
  common.json ? print_json(source) : print_text(source);
}

void verify_foreign(const ModelSource& source, const CommonOptions& common) {
  {
    Progress progress("verifying", tensor_bytes(source), common.progress());
    uint64_t done = 0;
    for (size_t i = 0; i < source.tensors().size(); ++i) {
      source.read_pieces(i, [&](std::span<const uint8_t> piece) {
        throw_if_interrupted();
        progress.update(done += piece.size());
      });
    }
  }
  if (common.json) {
    JsonWriter json;
    json.begin_object();
    json.member("ok", true);
    json.member("format", source.format());
    json.member("checksums", has_checksums(source));
    json.member("tensors", uint64_t{source.tensors().size()});
    json.member("file_bytes", source.file_bytes());
    json.member("dense_bytes", tensor_bytes(source));
    json.end();
    json.finish();
  } else if (!common.quiet) {
    print_out(fmt::format(
        "{}: ok as far as {} tells ({}, {}): {}\n", printable(source.path()),
        printable(source.format()), human_count(source.tensors().size(), "tensor"),
        human_bytes(source.file_bytes()),
        has_checksums(source) ? "structure, sizes and the CRC-32 of every array"
                              : "structure and sizes; it has no checksums, so changed weights do "
                                "not show"));
  }
}

}  // namespace dcf::tools
