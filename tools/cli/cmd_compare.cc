// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "cli/display.h"
#include "cli/failures.h"
#include "cli/json_writer.h"
#include "cli/model_diff.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

struct CompareOptions {
  CommonOptions common;
  std::string a, b;
  bool bounds = false;
  bool verbose = false;
};

std::string number_text(const char* format, double value) {
  return std::isnan(value) ? "-" : fmt::format(fmt::runtime(format), value);
}

std::vector<std::string> row_of(const TensorDiff& tensor) {
  std::vector<std::string> row = {printable_name(tensor.name), "-", "-", "-", tensor.result};
  if (const auto& d = tensor.difference) {
    row[1] = number_text("{:.6g}", d->max_error);
    row[2] = number_text("{:.2f}", d->sqnr_db);
    row[3] = number_text("{:.8f}", d->cosine);
  }
  return row;
}

// A table of the tensors that are not as they should be, or of all, and a line for all of them.
void print_text(const ModelDiff& diff, const CompareOptions& o) {
  const size_t good = diff.count_ok();
  if (good < diff.tensors.size() || (o.verbose && good > 0)) {
    TableLayout layout({{"tensor", Align::kLeft},
                        {"max error", Align::kRight},
                        {"SQNR dB", Align::kRight},
                        {"cosine", Align::kRight},
                        {"result", Align::kLeft}});
    const auto each_row = [&](const auto& use) {
      for (const TensorDiff& tensor : diff.tensors) {
        if (!tensor.ok || o.verbose) use(row_of(tensor));
      }
    };
    each_row([&](const std::vector<std::string>& row) { layout.fit(row); });
    layout.limit(table_width());
    print_out(layout.titles());
    each_row([&](const std::vector<std::string>& row) { print_out(layout.row(row)); });
  }
  const char* const good_word = o.bounds ? "within bounds" : "equal";
  std::string text = fmt::format("{} {}", human_count(good, "tensor"), good_word);
  if (good < diff.tensors.size()) text += fmt::format(", {} not", diff.tensors.size() - good);
  if (!diff.same_metadata) text += "; note: the metadata differs";
  print_out(text + "\n");
}

void write_number(const char* key, double value, JsonWriter* json) {
  json->key(key);
  std::isfinite(value) ? json->value(value) : json->value(nullptr);
}

void print_as_json(const ModelDiff& diff, const CompareOptions& o) {
  JsonWriter json;
  json.begin_object();
  json.member("ok", diff.ok());
  json.member("same_metadata", diff.same_metadata);
  json.key("tensors");
  json.begin_array();
  for (const TensorDiff& tensor : diff.tensors) {
    json.begin_object();
    json.member("name", tensor.name);
    json.member("ok", tensor.ok);
    json.member("result", tensor.result);
    if (const auto& d = tensor.difference) {
      json.member("same_bytes", d->same_bytes);
      json.member("same_values", d->same_values);
      write_number("max_error", d->max_error, &json);
      write_number("sqnr_db", d->sqnr_db, &json);
      write_number("cosine", d->cosine, &json);
      if (o.bounds) json.member("error_bound", tensor.error_bound);
    }
    json.end();
  }
  json.end();
  json.end();
  json.finish();
}

int compare(const CompareOptions& o) {
  const ModelDiff diff = diff_models({.a = o.a, .b = o.b, .bounds = o.bounds}, o.common);
  if (o.common.json) {
    print_as_json(diff, o);
  } else if (!o.common.quiet) {
    print_text(diff, o);
  }
  return diff.ok() ? 0 : kExitInvalid;
}

}  // namespace

void add_compare(Program* program) {
  auto o = std::make_shared<CompareOptions>();
  const Verb verb = program->add_verb(
      "compare", "Compare two models tensor by tensor: exit 0 if equal byte for byte, else 1");
  verb.add("A", &o->a, "Model of any readable format").required().value_name("FILE");
  verb.add("B", &o->b, "Model of any readable format").required().value_name("FILE");
  verb.add_flag("--bounds", &o->bounds,
                "B is a .dcf file: exit 0 if what it promises of each tensor holds against A");
  verb.add_flag("-v,--verbose", &o->verbose, "Show all tensors, also those that are equal");
  add_common_options(verb, &o->common);
  verb.footer(R"(
Examples:
  dcf compare model.safetensors model.dcf
  dcf compare model.safetensors small.dcf --bounds -v)");
  verb.on_run([o] { return compare(*o); });
}

}  // namespace dcf::tools
