// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>

#include "dcf/copy_model.h"
#include "dcf/display.h"
#include "dcf/errors.h"
#include "dcf/evaluation.h"
#include "dcf/output.h"
#include "dcf/recipe.h"
#include "dcf/tensor_report.h"
#include "dcf/verbs.h"

namespace dcf::tools {
namespace {

struct Options {
  CommonOptions common;
  OutputOptions output;
  std::string input;
  std::string layers;
  std::string recipe;
  bool lossless = false;
  EncodeChoice choice;
  std::string evaluation;
  double max_drop = 0;
};

EncodePlan plan_of(const Options& o) {
  EncodePlan plan;
  plan.general = o.choice;
  if (o.lossless && plan.general.is_lossy()) throw UsageError("--lossless excludes --sparsity and --bits");
  if (const auto contradiction = find_contradiction(plan.general)) throw UsageError(*contradiction);
  if (!o.recipe.empty()) read_recipe(o.recipe, &plan);
  if (o.lossless && plan.is_lossy()) throw UsageError("--lossless excludes a recipe that prunes or clusters");
  return plan;
}

// The score of the model as it was and as it comes back; throws ScoreError if it drops too far.
void check_score(const Options& o, const ModelSource& source, const EncodePlan& plan) {
  const TempDirectory temp;
  CommonOptions quiet = o.common;
  quiet.no_progress = true;
  const auto restored = [&](const EncodePlan& how, const std::string& name) {
    write_dcf(source, how, {temp.file(name + ".dcf"), false}, quiet);
    const DcfFile file(temp.file(name + ".dcf"), o.common.hints());
    restore_model(file, {temp.file(name + ".safetensors"), false}, SinkFormat::kSafetensors, quiet);
    return evaluate(o.evaluation, temp.file(name + ".safetensors"));
  };
  const double before = restored(EncodePlan{}, "original");
  const double after = restored(plan, "restored");
  if (!o.common.quiet && !o.common.json) {
    std::fprintf(stderr, "score before %g, after %g\n", before, after);
  }
  if (before - after > o.max_drop) {
    throw ScoreError(fmt::format("the score drops from {:g} to {:g}, more than {:g}: nothing was written", before, after,
                                 o.max_drop));
  }
}

void report(const Options& o, uint64_t input_bytes, double seconds) {
  if (o.output.path == "-") return;
  const DcfFile file(o.output.path, o.common.hints());
  if (o.common.json) {
    OrderedJson json;
    json["input"] = o.input;
    json["output"] = o.output.path;
    json["input_bytes"] = input_bytes;
    json["seconds"] = seconds;
    json.update(report_json(file));
    print_json(json);
  } else {
    const uint64_t bytes = file.info().file_bytes;
    print_out(fmt::format("{} -> {}  {} -> {} ({:.2f}x) in {}\n", printable_name(o.input), printable_name(o.output.path),
                          human_bytes(input_bytes), human_bytes(bytes),
                          static_cast<double>(input_bytes) / static_cast<double>(bytes), human_seconds(seconds)));
  }
}

int compress(const Options& o) {
  const EncodePlan plan = plan_of(o);
  check_output(o.input, o.output.path, o.output.force);
  OpenHints hints = o.common.hints();
  hints.layers_json = o.layers;
  const auto start = std::chrono::steady_clock::now();
  const auto source = open_model(o.input, hints);
  if (plan.is_lossy() && !o.common.quiet && !o.common.json) {
    std::fputs("note: pruning and clustering without retraining cost accuracy; the paper retrains after each\n", stderr);
  }
  if (!o.evaluation.empty()) check_score(o, *source, plan);
  write_dcf(*source, plan, o.output, o.common);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (!o.common.quiet) report(o, source->file_bytes(), seconds.count());
  return 0;
}

template <typename Value>
void add_named(CLI::App* verb, const std::string& flags, std::optional<Value>* value,
               const std::vector<std::pair<std::string, Value>>& names, const std::string& what) {
  std::vector<std::string> spellings;
  for (const auto& [name, unused] : names) spellings.push_back(name);
  verb->add_option_function<std::string>(flags,
                                         [value, names](const std::string& text) {
                                           for (const auto& [name, v] : names) {
                                             if (name == text) *value = v;
                                           }
                                         },
                                         what)
      ->check(CLI::IsMember(spellings));
}

void add_lossy_options(CLI::App* verb, Options* o) {
  verb->add_flag("--lossless", o->lossless, "Every bit comes back (the default without the options below)");
  verb->add_option("--sparsity", o->choice.sparsity, "Prune: share of weights of least magnitude to drop, in [0, 1)")
      ->check(CLI::Validator([](const std::string& text) {
        double v = 0;
        return CLI::detail::lexical_cast(text, v) && v >= 0 && v < 1 ? std::string() : "not in [0, 1)";
      }, "[0, 1)"));
  verb->add_option("--bits", o->choice.bits, "Cluster: share 2^N centroids per tensor, N = 1..8")->check(CLI::Range(1, 8));
  add_named(verb, "--init", &o->choice.init, kInitNames, "Where centroids start (default linear)");
  verb->add_option("--seed", o->choice.seed, "Of --init forgy");
  add_named(verb, "--positions", &o->choice.positions, kPositionsNames, "How positions are stored (default auto: the smallest)");
  verb->add_option("--gap-bits", o->choice.gap_bits, "Gap width of gap positions (default: the smallest)")->check(CLI::Range(2, 8));
  verb->add_option_function<std::string>("--profile", [o](const std::string&) { o->choice.paper = true; },
                                         "paper: the storage of Deep Compression, gaps with filler zeros")
      ->check(CLI::IsMember({"paper"}));
  verb->add_option_function<std::string>("--zeros", [o](const std::string& text) { o->choice.canonical_zeros = text == "canonical"; },
                                         "keep, or canonical: drop the signs of zeros (recorded as value-exact)")
      ->check(CLI::IsMember({"keep", "canonical"}));
  verb->add_option("--recipe", o->recipe, "JSON file with rules per tensor");
}

}  // namespace

void add_compress(CLI::App* app, Run* run) {
  auto o = std::make_shared<Options>();
  CLI::App* const verb = app->add_subcommand("compress", "Write a model as .dcf, losslessly unless told otherwise");
  verb->add_option("IN", o->input, "safetensors, npy, npz, TensorFlow.js model.json, .net (with --layers), .dcf")->required();
  add_output_options(verb, &o->output, ".dcf file");
  add_lossy_options(verb, o.get());
  verb->add_option("--layers", o->layers, "Layer names and shapes (JSON) of a .net file");
  CLI::Option* const eval = verb->add_option("--eval", o->evaluation,
                                             "Shell command that prints a score, higher is better; {} is the restored safetensors");
  verb->add_option("--max-drop", o->max_drop, "Greatest loss of score to accept (default 0)")->needs(eval);
  add_common_options(verb, &o->common);
  verb->footer(
      "\nExamples:\n  dcf compress model.safetensors -o model.dcf\n"
      "  dcf compress model.safetensors -o small.dcf --sparsity 0.9 --bits 5 --profile paper\n"
      "  dcf compress model/model.json -o model.dcf --bits 6 --eval './score.sh {}' --max-drop 0.5\n"
      "  dcf compress squeezenet.net --layers squeezenet_layers.json -o squeezenet.dcf");
  verb->callback([o, run] { *run = [o] { return compress(*o); }; });
}

}  // namespace dcf::tools
