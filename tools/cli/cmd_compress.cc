// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include "cli/copy_model.h"
#include "cli/display.h"
#include "cli/evaluation.h"
#include "cli/failures.h"
#include "cli/json_writer.h"
#include "cli/loss_report.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/output_checks.h"
#include "cli/output_choice.h"
#include "cli/score_metadata.h"
#include "cli/size_report.h"
#include "cli/temp_directory.h"
#include "cli/tensor_report.h"
#include "cli/tensor_rules.h"
#include "cli/verbs.h"
#include "cli/write_dcf.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

struct Options {
  CommonOptions common;
  OutputOptions output;
  std::string input;
  std::string layers;
  std::string recipe;
  bool lossless = false;
  bool dequantize = false;
  bool no_exact_file = false;
  EncodeChoice choice;
  std::string evaluation;
  double max_drop = 0;
  bool verbose = false;
};

EncodePlan plan_of(const Options& o) {
  EncodePlan plan;
  plan.general = o.choice;
  if (o.lossless && plan.general.is_lossy())
    throw UsageError("--lossless excludes --sparsity and --bits");
  if (const auto contradiction = find_contradiction(plan.general)) throw UsageError(*contradiction);
  if (!o.recipe.empty()) read_recipe(o.recipe, &plan);
  if (o.lossless && plan.is_lossy())
    throw UsageError("--lossless excludes a recipe that prunes or clusters");
  return plan;
}

// Encodes into a temporary directory, scores the model as it was and as it comes back, and puts the
// file in place unless the score drops too far.
Scores write_if_good(const Options& o, const ModelSource& source, const EncodePlan& plan) {
  const TempDirectory temp;
  // Each exists already, empty and private.
  const OutputOptions encoded{.path = temp.make_file("model.dcf"), .force = true};
  const OutputOptions original{.path = temp.make_file("original.safetensors"), .force = true};
  const OutputOptions restored{.path = temp.make_file("restored.safetensors"), .force = true};
  Scores scores;
  copy_as_safetensors(source, original);
  scores.before = evaluate(o.evaluation, original.path);
  std::filesystem::remove(original.path);  // never two whole models at a time
  write_dcf(source, plan, !o.no_exact_file, encoded, o.common);
  restore_model(DcfFile(encoded.path, o.common.hints()), restored, SinkFormat::kSafetensors,
                o.common);
  scores.after = evaluate(o.evaluation, restored.path);
  if (scores.drops_more_than(o.max_drop)) {
    throw ScoreError(fmt::format("{}: not written: the score drops from {} to {}, by more than {}",
                                 o.output.path, scores.before, scores.after, o.max_drop));
  }
  const OutputOptions scored{.path = temp.make_file("scored.dcf"), .force = true};
  add_scores(DcfFile(encoded.path, o.common.hints()), scores, scored.path);
  copy_file(scored.path, o.output);
  return scores;
}

struct Outcome {
  double seconds = 0;
  std::optional<Scores> scores;
  std::vector<std::string> warnings;
};

void print_outcome_json(const Options& o, const Outcome& outcome, const SizeReport& sizes,
                        const LossReport& loss, const DcfFile& file) {
  const TensorReport report(file);
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
  json.key("warnings");
  json.begin_array();
  for (const std::string& warning : outcome.warnings) json.value(warning);
  json.end();
  report.write_members(&json);
  json.end();
  json.finish();
}

void print_outcome(const Options& o, const Outcome& outcome, const SizeReport& sizes,
                   const LossReport& loss, const DcfFile& file) {
  print_out(fmt::format("{} \u2192 {} in {}\n", printable(o.input), printable(o.output.path),
                        human_seconds(outcome.seconds)));
  sizes.print_text();
  if (outcome.scores) {
    print_out(
        fmt::format("score before {}, after {}\n", outcome.scores->before, outcome.scores->after));
  }
  loss.print_text();
  if (!o.verbose) return;
  loss.print_table(table_width());
  TensorReport(file).print_text({.width = table_width()});
}

// The output is in place, and this file is our own: -M bounds what a stranger's file may take, and
// must not turn a success into a failure.
DcfFile reopen_output(const Options& o) {
  OpenHints hints = o.common.hints();
  hints.max_memory = UINT64_MAX;
  return DcfFile(o.output.path, hints);
}

void report_outcome(const Options& o, const Outcome& outcome, const ModelSource& source,
                    const EncodePlan& plan) {
  const DcfFile file = reopen_output(o);
  const SizeReport sizes(source, file);
  const LossReport loss(source, o.output.path, plan, o.common);
  o.common.json ? print_outcome_json(o, outcome, sizes, loss, file)
                : print_outcome(o, outcome, sizes, loss, file);
}

void print_warnings(const Options& o, const std::vector<std::string>& warnings) {
  if (o.common.quiet) return;
  for (const std::string& warning : warnings) {
    std::fputs(("dcf: warning: " + warning + "\n").c_str(), stderr);
  }
}

// What was left out, by name. A hostile file could fill the terminal.
void print_notes(const Options& o, const ModelSource& source) {
  constexpr size_t kMaxNotes = 20;
  if (o.common.quiet) return;
  const std::vector<std::string>& notes = source.notes();
  const size_t shown = std::min(notes.size(), kMaxNotes);
  for (size_t i = 0; i < shown; ++i) {
    std::fputs(("dcf: note: " + printable_message(notes[i]) + "\n").c_str(), stderr);
  }
  if (shown < notes.size()) {
    std::fputs(fmt::format("dcf: note: and {} more\n", notes.size() - shown).c_str(), stderr);
  }
}

void warn_of_loss(const Options& o, const EncodePlan& plan) {
  if (!plan.is_lossy() || o.common.quiet) return;
  std::fputs(
      "dcf: warning: pruning and clustering without retraining cost accuracy; --eval measures it\n",
      stderr);
}

int compress(const Options& o) {
  EncodePlan plan = plan_of(o);
  if (!o.evaluation.empty()) check_evaluation(o.evaluation);
  check_output(o.input, o.output, o.common.json);
  check_output_name(o.output.path, ".dcf");
  OpenHints hints = o.common.hints();
  hints.layers_json = o.layers;
  hints.dequantize = o.dequantize;
  const auto start = std::chrono::steady_clock::now();
  const auto source = open_model(o.input, hints);
  print_notes(o, *source);
  Outcome outcome;
  outcome.warnings = plan.bind(*source);
  print_warnings(o, outcome.warnings);
  warn_of_loss(o, plan);
  if (o.evaluation.empty()) {
    write_dcf(*source, plan, !o.no_exact_file, o.output, o.common);
  } else {
    outcome.scores = write_if_good(o, *source, plan);
  }
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (o.output.path == "-" || !o.common.wants_report()) return 0;
  report_outcome(o, outcome, *source, plan);
  return 0;
}

template <typename Value>
void add_named(CLI::App* verb, const std::string& flags, std::optional<Value>* value,
               const std::vector<std::pair<std::string, Value>>& names, const std::string& what) {
  std::vector<std::string> spellings;
  spellings.reserve(names.size());
  for (const auto& [name, unused] : names) spellings.push_back(name);
  verb->add_option_function<std::string>(
          flags,
          [value, names](const std::string& text) {
            for (const auto& [name, v] : names) {
              if (name == text) *value = v;
            }
          },
          what)
      ->check(CLI::IsMember(spellings));
}

void add_lossy_options(CLI::App* verb, Options* o) {
  verb->add_flag("--lossless", o->lossless,
                 "Every bit comes back (the default without the options below)");
  verb->add_option("--sparsity", o->choice.sparsity,
                   "Prune: share of weights of least magnitude to drop, in [0, 1)")
      ->check(CLI::Validator(
          [](const std::string& text) {
            double v = 0;
            return CLI::detail::lexical_cast(text, v) && v >= 0 && v < 1 ? std::string()
                                                                         : "not in [0, 1)";
          },
          "[0, 1)"));
  verb->add_option("--bits", o->choice.bits, "Cluster: share 2^N centroids per tensor, N = 1..8")
      ->check(CLI::Range(1, 8));
  add_named(verb, "--init", &o->choice.init, kInitNames,
            "Where centroids start (default linear; optimal loses less at equal N and takes more "
            "bytes and time)");
  verb->add_option("--seed", o->choice.seed, "Of --init forgy")->check(digits_only());
  add_named(verb, "--positions", &o->choice.positions, kPositionsNames,
            "How positions are stored (default auto: the smallest)");
  verb->add_option("--gap-bits", o->choice.gap_bits,
                   "Gap width of gap positions (default: the smallest)")
      ->check(CLI::Range(2, 8));
  verb->add_option_function<std::string>(
          "--profile", [o](const std::string&) { o->choice.paper = true; },
          "paper: the storage of Deep Compression, gaps with filler zeros")
      ->check(CLI::IsMember({"paper"}));
  verb->add_option_function<std::string>(
          "--zeros",
          [o](const std::string& text) { o->choice.canonical_zeros = text == "canonical"; },
          "keep, or canonical: drop the signs of zeros (recorded as value-exact)")
      ->check(CLI::IsMember({"keep", "canonical"}));
  verb->add_option(
      "--recipe", o->recipe,
      "JSON file with rules per tensor: {\"rules\": [{\"match\": PATTERN, \"bits\": 5}, ...], "
      "\"ignore\": [PATTERN, ...]}; 'dcf help recipes' tells all of it");
}

}  // namespace

void add_compress(CLI::App* app, Run* run) {
  auto o = std::make_shared<Options>();
  CLI::App* const verb =
      app->add_subcommand("compress", "Write a model as .dcf, losslessly unless told otherwise");
  verb->add_option("IN", o->input,
                   "safetensors, its index or a folder with one, npy, npz, ONNX, GGUF, TensorFlow "
                   "Lite, TensorFlow.js model.json, CTranslate2 model.bin, .net (with --layers), "
                   ".dcf")
      ->required();
  add_output_options(verb, &o->output, ".dcf file");
  add_lossy_options(verb, o.get());
  verb->add_option("--layers", o->layers, "Layer names and shapes (JSON) of a .net file");
  verb->add_flag("--dequantize", o->dequantize,
                 "Quantised weights of TensorFlow.js as the floats they stand for");
  CLI::Option* const eval =
      verb->add_option("--eval", o->evaluation,
                       "Shell command that prints a score, higher is better; {} is the restored "
                       "safetensors")
          ->check(not_empty());
  verb->add_option("--max-drop", o->max_drop, "Greatest loss of score to accept (default 0)")
      ->needs(eval)
      ->check(CLI::Validator(
          [](const std::string& text) {
            double v = 0;
            return CLI::detail::lexical_cast(text, v) && std::isfinite(v) ? std::string()
                                                                          : "not a finite number";
          },
          ""));
  verb->add_flag(
      "--no-exact-file", o->no_exact_file,
      "Keep the tensors and metadata only, not what else is needed to put the same files "
      "together again");
  verb->add_flag("-v,--verbose", o->verbose,
                 "Also the SQNR of each tensor or why it was left out, and the table of dcf info");
  add_common_options(verb, &o->common);
  verb->footer(
      "\nExamples:\n  dcf compress model.safetensors -o model.dcf\n"
      "  dcf compress model.safetensors -o small.dcf --sparsity 0.9 --bits 5 --profile paper\n"
      "  dcf compress model/model.json -o model.dcf --bits 6 --eval './score.sh {}' --max-drop "
      "0.5\n"
      "  dcf compress squeezenet.net --layers squeezenet_layers.json -o squeezenet.dcf");
  verb->callback([o, run] { *run = [o] { return compress(*o); }; });
}

}  // namespace dcf::tools
