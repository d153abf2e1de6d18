// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include "cli/display.h"
#include "cli/failures.h"
#include "cli/json_writer.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/output_checks.h"
#include "cli/parts/settle_plan.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/verbs.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

struct StatsOptions {
  CommonOptions common;
  OutputOptions output;
  std::string plan;
  std::string source;
  std::optional<uint64_t> item;
  std::string settle;
};

void measure(const StatsOptions& o, const WorkPlan& plan, const ModelSource& source) {
  const size_t task = checked_number("statistics", *o.item, plan.tasks.size());
  Progress progress("measuring", plan.tasks[task].bytes, o.common.progress());
  uint64_t done = 0;
  const MeasuredTask measured = run_task(plan, source, task, [&](uint64_t bytes) {
    throw_if_interrupted();
    progress.update(done += bytes);
  });
  write_text(o.output, task_text(plan, measured));
  if (!o.common.json) return;
  JsonWriter json;
  json.begin_object();
  json.member("item", uint64_t{task});
  json.member("output", o.output.path);
  json.member("bytes", plan.tasks[task].bytes);
  json.end();
  json.finish();
}

std::vector<MeasuredTask> read_results(const WorkPlan& plan, const std::string& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().string());
  }
  if (failed) throw_failure(folder, "cannot be read: " + failed.message());
  std::sort(names.begin(), names.end());
  std::vector<MeasuredTask> results;
  results.reserve(names.size());
  for (const std::string& name : names) results.push_back(read_task_result(plan, name));
  return results;
}

void report_settled(const StatsOptions& o, const WorkPlan& plan) {
  const auto aliases = static_cast<uint64_t>(
      std::count_if(plan.tensors.begin(), plan.tensors.end(),
                    [](const PlannedTensor& tensor) { return !tensor.alias_of.empty(); }));
  if (o.common.json) {
    JsonWriter json;
    json.begin_object();
    json.member("output", o.output.path);
    json.member("items", uint64_t{plan.items.size()});
    json.member("aliases", aliases);
    json.end();
    json.finish();
    return;
  }
  print_out(fmt::format("{}: {} of work, {}\n", printable(o.output.path),
                        human_count(plan.items.size(), "item"),
                        aliases == 1 ? "1 alias" : fmt::format("{} aliases", aliases)));
}

int stats(const StatsOptions& o) {
  if (o.item.has_value() == !o.settle.empty()) {
    throw UsageError("one of --item and --settle is needed (see 'dcf stats --help')");
  }
  WorkPlan plan = read_plan(o.plan);
  if (plan.settled && o.item) {
    throw UsageError("the plan is settled: there is nothing to measure");
  }
  check_output(o.plan, o.output, o.common.json);
  const auto source = open_planned(plan, o.source);
  if (o.item) {
    measure(o, plan, *source);
    return 0;
  }
  // Where there was nothing to measure, the plan is settled from the start.
  if (!plan.settled) settle_plan(*source, read_results(plan, o.settle), &plan);
  write_text(o.output, plan_text(plan));
  if (o.output.path != "-" && o.common.wants_report()) report_settled(o, plan);
  return 0;
}

}  // namespace

void add_stats(Program* program) {
  auto o = std::make_shared<StatsOptions>();
  const Verb verb = program->add_verb(
      "stats", "The first pass of a plan: measure one item, or settle the plan with all of them");
  verb.add("--plan", &o->plan, "Plan, as dcf plan writes it").required().value_name("FILE");
  verb.add("--item", &o->item, "Which of the plan's statistics to measure, from 0").digits_only();
  verb.add("--settle", &o->settle, "Folder with the results of all items, *.json")
      .value_name("FOLDER");
  verb.add("--source", &o->source, "Where the model is (default: where the plan says)")
      .value_name("FILE");
  add_output_options(verb, &o->output, "Result, or the settled plan");
  add_common_options(verb, &o->common);
  verb.footer(
      "\nExamples:\n  dcf stats --plan plan.json --item 3 -o stats/3.json\n"
      "  dcf stats --plan plan.json --settle stats -o settled.json");
  verb.on_run([o] { return stats(*o); });
}

}  // namespace dcf::tools
