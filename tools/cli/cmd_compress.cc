// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "cli/calibration.h"
#include "cli/calibration_costs.h"
#include "cli/calibration_report.h"
#include "cli/display.h"
#include "cli/encode_request.h"
#include "cli/evaluation.h"
#include "cli/failures.h"
#include "cli/file_front.h"
#include "cli/json_writer.h"
#include "cli/loss_report.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/output_checks.h"
#include "cli/output_choice.h"
#include "cli/parts/part_writer.h"
#include "cli/quality_estimate.h"
#include "cli/quality_levels.h"
#include "cli/quality_search.h"
#include "cli/size_report.h"
#include "cli/tensor_report.h"
#include "cli/verbs.h"
#include "cli/write_dcf.h"
#include "formats/input_file.h"
#include "formats/original_files.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

struct CompressOptions {
  CommonOptions common;
  OutputOptions output;
  std::string input;
  std::string layers;
  EncodeRequest request;
  std::string plan;
  std::string source;
  std::optional<uint64_t> item;
  std::string calibration;
  std::string evaluation;
  double max_drop = 0;
  uint64_t max_size = 0;  // 0: any
  bool verbose = false;
};

// What a quality saves is told from this part of a lossless file on.
constexpr uint64_t kWorthTelling = 4;

struct Outcome {
  double seconds = 0;
  std::optional<Scores> scores;
  std::vector<std::string> notes;
  std::vector<std::string> warnings;
};

void write_texts(const char* key, const std::vector<std::string>& texts, JsonWriter* json) {
  json->key(key);
  json->begin_array();
  for (const std::string& text : texts) json->value(text);
  json->end();
}

void print_outcome_json(const CompressOptions& o, const Outcome& outcome, const SizeReport& sizes,
                        const LossReport& loss, const CalibrationReport& calibration,
                        const DcfFile& file) {
  const auto originals = OriginalFiles::read(file);
  const TensorReport report(file, originals ? &*originals : nullptr);
  JsonWriter json;
  json.begin_object();
  json.member("input", o.input);
  json.member("output", o.output.path);
  sizes.write_members(&json);
  json.member("seconds", outcome.seconds);
  if (outcome.scores) {
    json.key("scores");
    json.begin_object();
    json.member("before", outcome.scores->before);
    json.member("after", outcome.scores->after);
    json.end();
  }
  loss.write_members(&json);
  calibration.write_member(&json);
  write_texts("notes", outcome.notes, &json);
  write_texts("warnings", outcome.warnings, &json);
  report.write_members(&json);
  json.end();
  json.finish();
}

void print_outcome(const CompressOptions& o, const Outcome& outcome, const SizeReport& sizes,
                   const LossReport& loss, const CalibrationReport& calibration,
                   const DcfFile& file) {
  print_out(fmt::format("{} \u2192 {} in {}\n", printable(o.input), printable(o.output.path),
                        human_seconds(outcome.seconds)));
  sizes.print_text();
  if (outcome.scores) {
    print_out(
        fmt::format("score before {}, after {}\n", outcome.scores->before, outcome.scores->after));
  }
  loss.print_text();
  calibration.print_text();
  if (!o.verbose) return;
  loss.print_table(table_width());
  TensorReport(file).print_text({.width = table_width()});
}

// One line on what is to be had without data, where that is much.
void print_balanced(const ModelSource& source, const DcfFile& file) {
  EncodePlan plan;
  plan.quality = kBalanced;
  plan.bind(source);
  const uint64_t bytes = estimated_bytes(source, plan, file);
  const uint64_t now = file.info().file_bytes;
  if (bytes > now - now / kWorthTelling) return;
  print_out(
      fmt::format("lossless; --quality {} would take about {}, with errors {} dB below the "
                  "weights\n",
                  quality_text(kBalanced), human_bytes(bytes), kBalanced));
}

// The output is in place, and this file is our own: -M bounds what a stranger's file may take, and
// must not turn a success into a failure.
DcfFile reopen_output(const CompressOptions& o) {
  OpenHints hints = o.common.hints();
  hints.max_memory = UINT64_MAX;
  return DcfFile(o.output.path, hints);
}

void warn(const CompressOptions& o, const std::string& warning, Outcome* outcome) {
  if (!o.common.quiet) std::fputs(("dcf: warning: " + warning + "\n").c_str(), stderr);
  outcome->warnings.push_back(warning);
}

// Names the tensors of which only zeros are left: the mean over a model does not show them.
void warn_of_emptied(const CompressOptions& o, const File& file, Outcome* outcome) {
  constexpr size_t kMostNamed = 20;
  size_t emptied = 0;
  std::string names;
  for (size_t i = 0; i < file.size(); ++i) {
    const dcf_tensor_info t = file.tensor(i)->info();
    if (t.fidelity != DCF_FIDELITY_LOSSY || t.nonzeros > 0) continue;
    if (++emptied > kMostNamed) continue;
    names += (emptied == 1 ? "" : ", ") + printable_name({t.name, t.name_size});
  }
  if (emptied == 0) return;
  if (emptied > kMostNamed) names += ", ...";
  warn(o, human_count(emptied, "tensor") + " lost all weights: " + names, outcome);
}

// Where nothing else is lost, nobody expects that the file is another one.
void note_zeros(const CompressOptions& o, const File& file, Outcome* outcome) {
  size_t tensors = 0;
  for (size_t i = 0; i < file.size(); ++i) {
    tensors += file.tensor(i)->info().fidelity == DCF_FIDELITY_VALUE_EXACT;
  }
  if (tensors == 0) return;
  const std::string note = human_count(tensors, "tensor") + " had -0, which comes back as 0";
  if (!o.common.quiet) std::fputs(("dcf: note: " + note + "\n").c_str(), stderr);
  outcome->notes.push_back(note);
}

void report_outcome(const CompressOptions& o, const ModelSource& source, const EncodePlan& plan,
                    Outcome outcome) {
  const DcfFile file = reopen_output(o);
  if (plan.is_lossy()) warn_of_emptied(o, file.opened(), &outcome);
  if (plan.drops_zero_signs()) note_zeros(o, file.opened(), &outcome);
  const SizeReport sizes(source, file);
  const LossReport loss(source, o.output.path, plan, o.common);
  const CalibrationReport calibration(source, plan);
  if (o.common.json) {
    print_outcome_json(o, outcome, sizes, loss, calibration, file);
    return;
  }
  print_outcome(o, outcome, sizes, loss, calibration, file);
  if (!plan.is_lossy() && !plan.drops_zero_signs() && !o.request.lossless) {
    print_balanced(source, file);
  }
}

// Opens the calibration of a plan that was bound to `source`.
void calibrate(const CompressOptions& o, const ModelSource& source, EncodePlan* plan,
               Outcome* outcome) {
  plan->calibration = std::make_shared<Calibration>(o.calibration, source, o.common.max_memory);
  for (const std::string& warning : plan->calibration->warnings()) warn(o, warning, outcome);
  // Where the quality is still to be found, the tensors are those of any.
  const std::optional<double> quality = plan->quality;
  if (!plan->rounds()) plan->quality = kBalanced;
  measure_costs(source, o.common, plan);
  plan->quality = quality;
  if (plan->rounds()) plan->share_quality(source);
}

// One item of a plan, which has all that decides the bytes.
int compress_item(const CompressOptions& o) {
  const WorkPlan plan = read_plan(o.plan);
  CommonOptions common = o.common;
  if (common.max_memory == 0) common.max_memory = plan.max_memory;
  if (common.threads == 0) common.threads = plan.threads;
  const size_t item = checked_number("item", *o.item, plan.items.size());
  check_output(o.plan, o.output, o.common.json);
  check_output_name(o.output.path, ".dcf");
  const auto source = open_planned(plan, o.source);
  write_part(plan, *source, item, o.output, common);
  if (o.output.path == "-" || !common.wants_report()) return 0;
  const uint64_t bytes = InputFile(o.output.path).size();
  if (o.common.json) {
    JsonWriter json;
    json.begin_object();
    json.member("item", uint64_t{item});
    json.member("output", o.output.path);
    json.member("input_bytes", plan.items[item].bytes);
    json.member("output_bytes", bytes);
    json.end();
    json.finish();
  } else {
    print_out(fmt::format("item {} \u2192 {}: {} in {}\n", item, printable(o.output.path),
                          human_bytes(plan.items[item].bytes), human_bytes(bytes)));
  }
  return 0;
}

int compress(const CompressOptions& o) {
  if (!o.plan.empty() || o.item) {
    if (o.plan.empty() || !o.item || !o.input.empty()) {
      throw UsageError("an item of a plan is compressed with --plan and --item, without IN");
    }
    return compress_item(o);
  }
  EncodePlan plan = o.request.plan();
  if (!o.evaluation.empty()) check_evaluation(o.evaluation);
  if (o.request.seeks_quality() && o.evaluation.empty()) {
    throw UsageError("--quality auto needs --eval, which judges");
  }
  if (!o.calibration.empty() && !plan.rounds() && o.max_size == 0) {
    throw UsageError("--calibration needs --quality, a recipe with a quality or --max-size");
  }
  if (o.max_size != 0 && (plan.is_lossy() || o.request.lossless || !o.evaluation.empty() ||
                          !o.request.recipe.empty())) {
    throw UsageError(
        "--max-size excludes --lossless, --quality, --sparsity, --bits, --recipe and --eval");
  }
  check_output(o.input, o.output, o.common.json);
  check_output_name(o.output.path, ".dcf");
  OpenHints hints = o.common.hints();
  hints.layers_json = o.layers;
  hints.dequantize = o.request.dequantize;
  const auto start = std::chrono::steady_clock::now();
  const auto source = open_model(o.input, hints);
  Outcome outcome;
  outcome.notes = o.request.notes_on(*source);
  outcome.warnings = bind_and_warn(*source, outcome.notes, &plan, o.common.quiet);
  if (!o.calibration.empty()) calibrate(o, *source, &plan, &outcome);
  const bool to_stdout = o.output.path == "-";
  FileFront front;  // what is left of a file that cannot be opened again
  OutputOptions output = o.output;
  if (to_stdout) output.see = [&](std::span<const uint8_t> bytes) { front.see(bytes); };
  const SearchJob job{*source, !o.request.no_exact_file, output, o.common};
  const Gate gate{o.evaluation, o.max_drop};
  if (o.max_size != 0) {
    write_within(job, o.max_size, &plan);
  } else if (o.request.seeks_quality()) {
    outcome.scores = write_lowest_good(job, gate, &plan);
  } else if (!o.evaluation.empty()) {
    outcome.scores = write_if_good(job, plan, gate);
  } else {
    write_dcf(*source, plan, job.exact_file, output, o.common);
  }
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (to_stdout && plan.is_lossy() && front.file()) warn_of_emptied(o, *front.file(), &outcome);
  if (to_stdout || !o.common.wants_report()) return 0;
  report_outcome(o, *source, plan, std::move(outcome));
  return 0;
}

// What the plan decides already.
void refuse_with_plan(const Verb& verb) {
  const std::set<std::string> allowed = {
      "--plan",        "--item",        "--source",  "--output",     "--force", "--quiet", "--json",
      "--no-progress", "--progress-fd", "--threads", "--max-memory", "--help",  "IN"};
  for (const std::string& name : verb.given()) {
    if (!allowed.contains(name)) {
      throw UsageError("--plan excludes " + name + ": the plan says how tensors are encoded");
    }
  }
}

}  // namespace

void add_compress(Program* program) {
  auto o = std::make_shared<CompressOptions>();
  const Verb verb =
      program->add_verb("compress", "Write a model as .dcf, losslessly unless told otherwise");
  const Argument in =
      verb.add("IN", &o->input,
               "safetensors, its index or a folder with one, npy, npz, ONNX, GGUF, TensorFlow "
               "Lite, TensorFlow.js model.json, CTranslate2 model.bin, .net (with --layers), "
               ".dcf")
          .required()
          .value_name("FILE");
  add_output_options(verb, &o->output, ".dcf file");
  add_encode_options(verb, &o->request);
  verb.add("--layers", &o->layers, "Layer names and shapes (JSON) of a .net file")
      .value_name("FILE");
  const Argument eval =
      verb.add("--eval", &o->evaluation,
               "Shell command that prints a score, higher is better; {} is the restored "
               "safetensors")
          .not_empty()
          .value_name("COMMAND");
  verb.add("--max-drop", &o->max_drop, "Greatest loss of score to accept (default 0)")
      .needs(eval)
      .check([](const std::string& text) {
        return parse_finite(text) ? std::string() : "not a finite number";
      });
  verb.add("--calibration", &o->calibration,
           "safetensors with the moments of what each weight reads, for --quality and "
           "--max-size: fewer bytes at equal output")
      .not_empty()
      .value_name("FILE");
  add_size_option(
      verb, "--max-size", &o->max_size,
      "Bytes that OUT may have (5M, 1.5M, ...): lossless where that fits, else the best "
      "--quality found that does",
      SizeUnits::kDecimal);
  const Argument plan = verb.add_call(
      "--plan",
      [o, in](const std::string& path) {
        o->plan = path;
        in.required(false);
      },
      "Compress an item of a plan instead of IN: a part, for dcf merge");
  plan.value_name("FILE");
  verb.add("--item", &o->item, "Which item of the plan, from 0").digits_only().needs(plan);
  verb.add("--source", &o->source, "Where the plan's model is (default: where it says)")
      .needs(plan)
      .value_name("FILE");
  verb.add_flag("-v,--verbose", &o->verbose,
                "Also the SQNR of each tensor or why it was left out, and the table of dcf info");
  add_common_options(verb, &o->common);
  verb.footer(
      "\nRounding takes 8 MB and about 17 bytes of memory (-M) for each element of the largest "
      "tensor of f32,\n12 of f16 or bf16.\n"
      "\nExamples:\n  dcf compress model.safetensors -o model.dcf\n"
      "  dcf compress model.safetensors -o small.dcf --quality balanced\n"
      "  dcf compress model.safetensors -o small.dcf --quality small --recipe recipe.json\n"
      "  dcf compress model.safetensors -o small.dcf --sparsity 0.9 --bits 5 --profile paper\n"
      "  dcf compress model/model.json -o model.dcf --bits 6 --eval './score.sh {}' --max-drop "
      "0.5\n"
      "  dcf compress model.onnx -o model.dcf --quality auto --eval './score.sh {}' --max-drop "
      "0.5\n"
      "  dcf compress model.onnx -o model.dcf --max-size 5M\n"
      "  dcf compress model.safetensors -o small.dcf --quality small --calibration "
      "stats.safetensors\n"
      "  dcf compress squeezenet.net --layers squeezenet_layers.json -o squeezenet.dcf");
  verb.on_run([o, verb] {
    if (!o->plan.empty()) refuse_with_plan(verb);
    return compress(*o);
  });
}

}  // namespace dcf::tools
