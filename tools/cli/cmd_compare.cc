// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <memory>

#include "cli/display.h"
#include "cli/failures.h"
#include "cli/model_diff.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

struct Options {
  CommonOptions common;
  std::string a, b;
  bool bounds = false;
  bool verbose = false;
};

std::string number_text(const char* format, double value) {
  return std::isnan(value) ? "-" : fmt::format(fmt::runtime(format), value);
}

// A table of the tensors that are not as they should be, or of all, and a line for all of them.
std::string as_text(const ModelDiff& diff, const Options& o) {
  Table table({{"tensor", Align::kLeft},
               {"max error", Align::kRight},
               {"SQNR dB", Align::kRight},
               {"cosine", Align::kRight},
               {"result", Align::kLeft}});
  for (const TensorDiff& tensor : diff.tensors) {
    if (tensor.ok && !o.verbose) continue;
    std::vector<std::string> row = {printable(tensor.name), "-", "-", "-", tensor.result};
    if (const auto& d = tensor.difference) {
      row[1] = number_text("{:.6g}", d->max_error);
      row[2] = number_text("{:.2f}", d->sqnr_db);
      row[3] = number_text("{:.8f}", d->cosine);
    }
    table.add_row(std::move(row));
  }
  std::string text = table.empty() ? "" : table.render(terminal_width(STDOUT_FILENO));
  const size_t good = diff.count_ok();
  const char* const good_word = o.bounds ? "within bounds" : "equal";
  text += fmt::format("{} {}", human_count(good, "tensor"), good_word);
  if (good < diff.tensors.size()) text += fmt::format(", {} not", diff.tensors.size() - good);
  if (!diff.same_metadata) text += "; note: the metadata differs";
  return text + "\n";
}

OrderedJson number_json(double value) {
  return std::isfinite(value) ? OrderedJson(value) : OrderedJson(nullptr);
}

OrderedJson as_json(const ModelDiff& diff, const Options& o) {
  OrderedJson json;
  json["ok"] = diff.ok();
  json["same_metadata"] = diff.same_metadata;
  json["tensors"] = OrderedJson::array();
  for (const TensorDiff& tensor : diff.tensors) {
    OrderedJson object;
    object["name"] = tensor.name;
    object["ok"] = tensor.ok;
    object["result"] = tensor.result;
    if (const auto& d = tensor.difference) {
      object["same_bytes"] = d->same_bytes;
      object["same_values"] = d->same_values;
      object["max_error"] = number_json(d->max_error);
      object["sqnr_db"] = number_json(d->sqnr_db);
      object["cosine"] = number_json(d->cosine);
      if (o.bounds) object["error_bound"] = tensor.error_bound;
    }
    json["tensors"].push_back(std::move(object));
  }
  return json;
}

int compare(const Options& o) {
  const ModelDiff diff = diff_models({.a = o.a, .b = o.b, .bounds = o.bounds}, o.common);
  if (o.common.json) {
    print_json(as_json(diff, o));
  } else if (!o.common.quiet) {
    print_out(as_text(diff, o));
  }
  return diff.ok() ? 0 : kExitInvalid;
}

}  // namespace

void add_compare(CLI::App* app, Run* run) {
  auto o = std::make_shared<Options>();
  CLI::App* const verb = app->add_subcommand(
      "compare", "Compare two models tensor by tensor: exit 0 if equal byte for byte, else 1");
  verb->add_option("A", o->a, "Model of any readable format")->required();
  verb->add_option("B", o->b, "Model of any readable format")->required();
  verb->add_flag("--bounds", o->bounds,
                 "B is a .dcf file: exit 0 if what it promises of each tensor holds against A");
  verb->add_flag("-v,--verbose", o->verbose, "Show all tensors, also those that are equal");
  add_common_options(verb, &o->common);
  verb->footer(R"(
Examples:
  dcf compare model.safetensors model.dcf
  dcf compare model.safetensors small.dcf --bounds -v)");
  verb->callback([o, run] { *run = [o] { return compare(*o); }; });
}

}  // namespace dcf::tools
