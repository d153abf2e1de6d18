// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "cli/display.h"
#include "cli/encode_request.h"
#include "cli/failures.h"
#include "cli/json_writer.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/output_checks.h"
#include "cli/parts/plan_maker.h"
#include "cli/parts/work_speed.h"
#include "cli/verbs.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr uint64_t kItemBytes = uint64_t{256} << 20;
constexpr uint64_t kLeastItemBytes = uint64_t{1} << 20;

struct PlanOptions {
  CommonOptions common;
  OutputOptions output;
  std::string input;
  EncodeRequest request;
  uint64_t item_bytes = kItemBytes;
  uint64_t workers = 1;
  uint64_t encode_speed = 0;
};

void print_plan_json(const PlanOptions& o, const WorkPlan& plan, uint64_t bytes) {
  const Prediction prediction = predict(plan, o.workers);
  JsonWriter json;
  json.begin_object();
  json.member("input", o.input);
  json.member("output", o.output.path);
  json.member("tensors", uint64_t{plan.tensors.size()});
  json.member("bytes", bytes);
  json.member("items", uint64_t{plan.items.size()});
  json.member("stats", uint64_t{plan.tasks.size()});
  json.member("peak_memory", prediction.peak_memory);
  json.member("encode_speed", plan.encode_speed);
  json.member("stats_speed", plan.stats_speed);
  json.member("workers", o.workers);
  json.member("stats_seconds", prediction.stats_seconds);
  json.member("encode_seconds", prediction.encode_seconds);
  json.end();
  json.finish();
}

void print_plan(const PlanOptions& o, const WorkPlan& plan, uint64_t bytes) {
  const Prediction prediction = predict(plan, o.workers);
  print_out(fmt::format("{}: {} of {}, {} of statistics, {} of work\n", printable(o.output.path),
                        human_count(plan.tensors.size(), "tensor"), human_bytes(bytes),
                        human_count(plan.tasks.size(), "item"),
                        human_count(plan.items.size(), "item")));
  print_out(fmt::format("a worker encodes {}/s and measures {}/s, in at most {} of memory\n",
                        human_bytes(plan.encode_speed), human_bytes(plan.stats_speed),
                        human_bytes(prediction.peak_memory)));
  constexpr double kHour = 3600;
  print_out(fmt::format("with {}: {:.2f} h of statistics, {:.2f} h of encoding\n",
                        human_count(o.workers, "worker"), prediction.stats_seconds / kHour,
                        prediction.encode_seconds / kHour));
}

int plan_model(const PlanOptions& o) {
  if (o.request.seeks_quality()) {
    throw UsageError("--quality auto is for dcf compress: a plan tries nothing");
  }
  const EncodePlan requested = o.request.plan();
  EncodePlan encoding = requested;
  if (o.item_bytes < kLeastItemBytes) throw UsageError("--item-bytes is less than 1M");
  check_output(o.input, o.output, o.common.json);
  OpenHints hints = o.common.hints();
  hints.dequantize = o.request.dequantize;
  const auto source = open_model(o.input, hints);
  bind_and_warn(*source, o.request.notes_on(*source), &encoding, o.common.quiet);
  WorkPlan plan;
  plan.source = o.input;
  plan.dequantize = o.request.dequantize;
  plan.exact_file = !o.request.no_exact_file;
  plan.max_memory = MemoryLimit(o.common.max_memory).bytes();
  plan.threads = o.common.threads;
  plan.item_bytes = o.item_bytes;
  plan_work(*source, encoding, &plan);
  measure_speed(*source, &plan);
  if (o.encode_speed != 0) plan.encode_speed = o.encode_speed;
  write_text(o.output, plan_text(plan));
  if (o.output.path == "-" || !o.common.wants_report()) return 0;
  uint64_t bytes = 0;
  for (const PlannedTensor& tensor : plan.tensors) bytes += tensor.bytes;
  o.common.json ? print_plan_json(o, plan, bytes) : print_plan(o, plan, bytes);
  return 0;
}

}  // namespace

void add_plan(Program* program) {
  auto o = std::make_shared<PlanOptions>();
  const Verb verb = program->add_verb(
      "plan", "Plan the compression of a model in parts, on many machines; reads headers only");
  verb.add("IN", &o->input, "As of compress, but for .net files").required().value_name("FILE");
  add_output_options(verb, &o->output, "Plan, a JSON file");
  add_encode_options(verb, &o->request);
  add_size_option(verb, "--item-bytes", &o->item_bytes,
                  "What an item of work has at most, unless it is one tensor that must stay whole "
                  "(default 256M)");
  verb.add("--workers", &o->workers, "Processes at a time, for the prediction (default 1)")
      .within(uint64_t{1}, uint64_t{1'000'000});
  add_size_option(verb, "--encode-speed", &o->encode_speed,
                  "Bytes per second of one worker, for the prediction (default: measured here)");
  add_common_options(verb, &o->common);
  verb.footer(
      "\nExamples:\n  dcf plan checkpoint/ -o plan.json --workers 16\n"
      "  for n in 0 1 2 3; do dcf stats --plan plan.json --item $n -o stats/$n.json; done\n"
      "  dcf stats --plan plan.json --settle stats -o settled.json\n"
      "  dcf compress --plan settled.json --item 17 -o parts/17.dcf\n"
      "  dcf merge --plan settled.json parts -o model.dcf");
  verb.on_run([o] { return plan_model(*o); });
}

}  // namespace dcf::tools
