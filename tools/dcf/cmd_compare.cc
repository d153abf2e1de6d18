// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>

#include "dcf/difference.h"
#include "dcf/display.h"
#include "dcf/errors.h"
#include "dcf/options.h"
#include "dcf/output.h"
#include "dcf/progress.h"
#include "dcf/table.h"
#include "dcf/verbs.h"
#include "model/dcf_file.h"

namespace dcf::tools {
namespace {

struct Options {
  CommonOptions common;
  std::string a, b;
  bool bounds = false;
};

// What B promises of one tensor.
struct Promise {
  dcf_fidelity fidelity = DCF_BIT_EXACT;
  double error_bound = 0;
};

struct Row {
  std::string name;
  std::string verdict;  // empty: as it should be
  std::optional<Difference> difference;
};

bool keeps(const Promise& promise, const Difference& d) {
  switch (promise.fidelity) {
    case DCF_BIT_EXACT: return d.same_bytes;
    case DCF_VALUE_EXACT: return d.same_values;
    case DCF_LOSSY: return d.same_bytes || (d.comparable && d.max_error <= promise.error_bound);
  }
  return false;
}

std::map<std::string, Promise> promises_of(const std::string& path, const OpenHints& hints) {
  const DcfFile file(path, hints);
  std::map<std::string, Promise> promises;
  for (size_t i = 0; i < file.tensor_count(); ++i) {
    const dcf_tensor_info t = file.tensor(i);
    promises[std::string(t.name, t.name_size)] = {t.fidelity, t.error_bound};
  }
  return promises;
}

std::vector<Row> compare_models(const ModelSource& a, const ModelSource& b, const std::map<std::string, Promise>& promises,
                                bool bounds, Progress* progress) {
  std::map<std::string, size_t> in_b;
  for (size_t i = 0; i < b.tensors().size(); ++i) in_b[b.tensors()[i].name] = i;
  std::vector<Row> rows;
  uint64_t done = 0;
  for (size_t i = 0; i < a.tensors().size(); ++i) {
    const TensorMeta& meta = a.tensors()[i];
    Row row{meta.name, "", std::nullopt};
    const auto found = in_b.find(meta.name);
    if (found == in_b.end()) {
      row.verdict = "only in the first";
    } else {
      const TensorMeta& other = b.tensors()[found->second];
      if (meta.dtype != other.dtype || meta.bits != other.bits) row.verdict = "dtypes differ";
      else if (meta.dims != other.dims) row.verdict = "shapes differ";
      else {
        row.difference = difference(meta, a.read(i), b.read(found->second));
        const bool good = bounds ? keeps(promises.at(meta.name), *row.difference) : row.difference->same_bytes;
        if (!good) row.verdict = bounds ? "beyond its bound" : "differs";
      }
      in_b.erase(found);
    }
    rows.push_back(std::move(row));
    progress->update(done += meta.bytes());
  }
  for (const auto& [name, index] : in_b) rows.push_back({name, "only in the second", std::nullopt});
  return rows;
}

std::string number(double value) { return std::isinf(value) ? "inf" : fmt::format("{:.6g}", value); }

std::string as_text(const std::vector<Row>& rows) {
  Table table({{"tensor", Align::kLeft}, {"max error"}, {"SQNR dB"}, {"cosine"}, {"result", Align::kLeft}});
  for (const Row& row : rows) {
    const auto& d = row.difference;
    const bool numbers = d && (d->comparable || d->same_bytes);
    const char* good = d && d->same_bytes ? "equal" : d && d->same_values ? "equal values" : "within its bound";
    table.add_row({printable_name(row.name), numbers ? number(d->max_error) : "-", numbers ? number(d->sqnr_db) : "-",
                   numbers ? fmt::format("{:.8f}", d->cosine) : "-", row.verdict.empty() ? good : row.verdict});
  }
  return table.render(terminal_width(STDOUT_FILENO));
}

OrderedJson as_json(const std::vector<Row>& rows, bool equal) {
  OrderedJson json;
  json["equal"] = equal;
  json["tensors"] = OrderedJson::array();
  for (const Row& row : rows) {
    OrderedJson t;
    t["name"] = row.name;
    t["ok"] = row.verdict.empty();
    t["result"] = row.verdict.empty() ? "ok" : row.verdict;
    if (row.difference) {
      const Difference& d = *row.difference;
      t["same_bytes"] = d.same_bytes;
      t["max_error"] = d.comparable ? OrderedJson(d.max_error) : OrderedJson(nullptr);
      t["sqnr_db"] = d.comparable && std::isfinite(d.sqnr_db) ? OrderedJson(d.sqnr_db) : OrderedJson(nullptr);
      t["cosine"] = d.comparable ? OrderedJson(d.cosine) : OrderedJson(nullptr);
    }
    json["tensors"].push_back(std::move(t));
  }
  return json;
}

int compare(const Options& o) {
  const auto a = open_model(o.a, o.common.hints());
  const auto b = open_model(o.b, o.common.hints());
  std::map<std::string, Promise> promises;
  if (o.bounds) promises = promises_of(o.b, o.common.hints());
  std::vector<Row> rows;
  {
    uint64_t total = 0;
    for (const TensorMeta& t : a->tensors()) total += t.bytes();
    Progress progress("comparing", total, o.common.wants_progress());
    rows = compare_models(*a, *b, promises, o.bounds, &progress);
  }
  const bool equal = std::all_of(rows.begin(), rows.end(), [](const Row& row) { return row.verdict.empty(); });
  if (o.common.json) print_json(as_json(rows, equal));
  else if (!o.common.quiet) {
    print_out(as_text(rows));
    if (a->metadata() != b->metadata()) print_out("note: the metadata differs\n");
  }
  return equal ? 0 : kExitInvalid;
}

}  // namespace

void add_compare(CLI::App* app, Run* run) {
  auto o = std::make_shared<Options>();
  CLI::App* const verb = app->add_subcommand("compare", "Compare two models tensor by tensor; exit 0 if equal, 1 if not");
  verb->add_option("A", o->a, "Any readable model")->required();
  verb->add_option("B", o->b, "Any readable model")->required();
  verb->add_flag("--bounds", o->bounds, "B is a .dcf: equal means that every error bound recorded in it holds");
  add_common_options(verb, &o->common);
  verb->footer("\nExamples:\n  dcf compare model.safetensors model.dcf\n  dcf compare model.safetensors small.dcf --bounds");
  verb->callback([o, run] { *run = [o] { return compare(*o); }; });
}

}  // namespace dcf::tools
