// SPDX-License-Identifier: Apache-2.0
#include "cli/encode_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include "cli/failures.h"
#include "cli/options.h"
#include "cli/quality_levels.h"
#include "cli/tensor_rules.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr double kMostWarned = 25;  // dB

// What was left out, by name. A hostile file could fill the terminal.
void print_notes(const std::vector<std::string>& notes) {
  constexpr size_t kMaxNotes = 20;
  const size_t shown = std::min(notes.size(), kMaxNotes);
  for (size_t i = 0; i < shown; ++i) {
    std::fputs(("dcf: note: " + printable_message(notes[i]) + "\n").c_str(), stderr);
  }
  if (shown < notes.size()) {
    std::fputs(fmt::format("dcf: note: and {} more\n", notes.size() - shown).c_str(), stderr);
  }
}

// What a user should know of a bound plan before it is carried out; may be empty.
std::string warning_of_loss(const EncodePlan& plan, const ModelSource& source) {
  const std::optional<double> lowest = plan.lowest_quality();
  if (lowest && *lowest <= kMostWarned) {
    return "at a quality of " + quality_text(*lowest) +
           " most models lose accuracy; --eval measures it";
  }
  if (!plan.cuts()) return "";
  bool clusters = false;
  for (const TensorMeta& tensor : source.tensors()) {
    const dcf_encode_options options = plan.choice_for(tensor).options;
    if (options.sparsity > 0) {
      return "pruning without retraining costs more accuracy than --quality does at equal size; "
             "--eval measures it";
    }
    clusters = clusters || options.bits > 0;
  }
  return clusters ? "clustering without retraining costs accuracy; --eval measures it" : "";
}

template <typename Value>
void add_named(const Verb& verb, const std::string& flags, std::optional<Value>* value,
               const std::vector<std::pair<std::string, Value>>& names, const std::string& what) {
  std::vector<std::string> spellings;
  spellings.reserve(names.size());
  for (const auto& [name, unused] : names) spellings.push_back(name);
  verb.add_call(
          flags,
          [value, names](const std::string& text) {
            for (const auto& [name, v] : names) {
              if (name == text) *value = v;
            }
          },
          what)
      .one_of(spellings);
}

}  // namespace

void add_encode_options(const Verb& verb, EncodeRequest* o) {
  verb.add_flag("--lossless", &o->lossless,
                "Every bit comes back (the default without the options below)");
  verb.add("--quality", &o->quality,
           "Round: near-lossless, balanced, small, tiny, or dB from 6 to 60 that errors are "
           "below the weights; needs no data and no "
           "training. auto: the lowest dB that --eval accepts")
      .check([](const std::string& text) {
        return text == "auto" || quality_of(text) ? std::string() : "not auto, " + quality_names();
      })
      .value_name("LEVEL");
  verb.add("--sparsity", &o->choice.sparsity,
           "Prune: share of weights of least magnitude to drop, in [0, 1); without "
           "retraining that loses more than --quality does at equal size")
      .check(
          [](const std::string& text) {
            const std::optional<double> v = parse_finite(text);
            return v && *v >= 0 && *v < 1 ? std::string() : "not in [0, 1)";
          },
          "[0, 1)");
  verb.add("--bits", &o->choice.bits, "Cluster: share 2^N centroids per tensor, N = 1..8")
      .within(1, 8);
  add_named(verb, "--init", &o->choice.init, kInitNames,
            "Where centroids start (default linear; optimal loses less at equal N and takes more "
            "bytes and time)");
  verb.add("--seed", &o->choice.seed, "Of --init forgy").digits_only();
  add_named(verb, "--positions", &o->choice.positions, kPositionsNames,
            "How positions are stored (default auto: the smallest)");
  verb.add("--gap-bits", &o->choice.gap_bits, "Gap width of gap positions (default: the smallest)")
      .within(2, 8);
  verb.add_call(
          "--profile", [o](const std::string&) { o->choice.paper = true; },
          "paper: the storage of Deep Compression, gaps with filler zeros")
      .one_of({"paper"});
  verb.add_call(
          "--zeros",
          [o](const std::string& text) { o->choice.canonical_zeros = text == "canonical"; },
          "keep, or canonical: drop the signs of zeros (recorded as value-exact)")
      .one_of({"keep", "canonical"});
  const Argument small = verb.add_flag_call(
      "--small", [o] { o->choice.effort = DCF_EFFORT_SMALLEST; },
      "The smallest encodings, whatever they cost to decode");
  verb.add_flag_call(
          "--fast", [o] { o->choice.effort = DCF_EFFORT_FAST; },
          "Large tensors get what one pass over them finds: less time, slightly more bytes")
      .excludes(small);
  verb.add("--recipe", &o->recipe,
           "JSON file with rules per tensor: {\"rules\": [{\"match\": PATTERN, \"bits\": 5}, "
           "{\"match\": PATTERN, \"quality\": \"small\"}, ...], \"ignore\": [PATTERN, ...]}; "
           "'dcf help recipes' tells all of it")
      .value_name("FILE");
  verb.add_flag("--dequantize", &o->dequantize,
                "Quantised weights of TensorFlow.js as the floats they stand for");
  verb.add_flag("--no-exact-file", &o->no_exact_file,
                "Keep the tensors and metadata only, not what else is needed to put the same files "
                "together again");
}

// What is rounded is neither pruned nor clustered, and its positions are dense.
double EncodeRequest::checked_quality() const {
  const bool sparse = choice.positions.value_or(DCF_POSITIONS_DENSE) != DCF_POSITIONS_DENSE ||
                      choice.gap_bits || choice.paper.value_or(false);
  if (choice.sparsity || choice.bits || choice.init || choice.seed || sparse) {
    throw UsageError(
        "--quality excludes --sparsity, --bits, --init, --seed, --positions, --gap-bits and "
        "--profile");
  }
  return seeks_quality() ? kBalanced : *quality_of(quality);
}

// A rule that neither prunes, clusters nor has a quality of its own leaves its tensors to
// --quality.
void EncodeRequest::check_rules(const EncodePlan& plan) const {
  if (!plan.quality) return;
  for (size_t r = 0; r < plan.rules.size(); ++r) {
    EncodeChoice rule = plan.rules[r].choice;
    if (!rule.quality && !rule.cuts()) rule.quality = plan.quality;
    const auto contradiction = find_contradiction(rule);
    if (!contradiction) continue;
    throw UsageError(
        fmt::format("rule {} of the recipe, with --quality: {}", r + 1, *contradiction));
  }
}

// What says where centroids start is for nothing where there are none. All rules count together.
void EncodeRequest::check_centroids(const EncodePlan& plan) const {
  const auto in_any = [&](const auto& asks) {
    return asks(choice) || std::any_of(plan.rules.begin(), plan.rules.end(),
                                       [&](const EncodePlan::Rule& r) { return asks(r.choice); });
  };
  const bool has_seed = in_any([](const EncodeChoice& c) { return c.seed.has_value(); });
  if (!has_seed && !in_any([](const EncodeChoice& c) { return c.init.has_value(); })) return;
  if (!in_any([](const EncodeChoice& c) { return c.bits.value_or(0) > 0; })) {
    throw UsageError("--init and --seed need --bits, or a recipe that clusters");
  }
  if (has_seed && !in_any([](const EncodeChoice& c) { return c.init == DCF_INIT_FORGY; })) {
    throw UsageError("--seed needs --init forgy");
  }
}

EncodePlan EncodeRequest::plan() const {
  EncodePlan plan;
  plan.general = choice;
  if (lossless && (plan.general.is_lossy() || plan.drops_zero_signs() || !quality.empty()))
    throw UsageError("--lossless excludes --quality, --sparsity, --bits and --zeros canonical");
  if (!quality.empty()) plan.quality = checked_quality();
  if (const auto contradiction = find_contradiction(plan.general)) throw UsageError(*contradiction);
  if (!recipe.empty()) read_recipe(recipe, &plan);
  check_rules(plan);
  check_centroids(plan);
  if (lossless && (plan.is_lossy() || plan.drops_zero_signs())) {
    throw UsageError(
        "--lossless excludes a recipe that prunes, clusters, rounds or drops the signs of zeros");
  }
  return plan;
}

std::vector<std::string> EncodeRequest::notes_on(const ModelSource& source) const {
  std::vector<std::string> notes;
  if (!no_exact_file && !source.why_no_layout().empty()) {
    notes.push_back("the tensors come back, but not the file itself: " + source.why_no_layout());
  }
  notes.insert(notes.end(), source.notes().begin(), source.notes().end());
  return notes;
}

std::vector<std::string> bind_and_warn(const ModelSource& source,
                                       const std::vector<std::string>& notes, EncodePlan* plan,
                                       bool quiet) {
  if (!quiet) print_notes(notes);
  std::vector<std::string> warnings = plan->bind(source);
  if (quiet) return warnings;
  for (const std::string& warning : warnings) {
    std::fputs(("dcf: warning: " + warning + "\n").c_str(), stderr);
  }
  const std::string loss = warning_of_loss(*plan, source);
  if (!loss.empty()) std::fputs(("dcf: warning: " + loss + "\n").c_str(), stderr);
  return warnings;
}

}  // namespace dcf::tools
