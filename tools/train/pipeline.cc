// SPDX-License-Identifier: Apache-2.0
#include "train/pipeline.h"

#include <fmt/format.h>

#include "train/shared_weights.h"
#include "train/steps.h"

namespace dcf::tools {
namespace {

// The dense nets: of ordinary training, which is what compression is compared with, and the one
// that it starts from.
void train_dense(const Session& session, TorchNet* plain, TorchNet* net, TrainResult* result) {
  const Recipe& recipe = session.recipe;
  run_pass(session, {"dense", Moves::kWeights, recipe.dense, {}}, nullptr, net);
  result->dense_error = error_percent(*net, *session.validation);
  if (recipe.plain.epochs == 0) {
    *plain = net->clone();
    result->plain_error = result->dense_error;
  } else {
    Session ordinary = session;
    ordinary.recipe.shift = 0;
    run_pass(ordinary, {"plain", Moves::kWeights, recipe.plain, {}}, nullptr, plain);
    result->plain_error = error_percent(*plain, *session.validation);
    session.line("teacher", fmt::format("validation error {:.2f} %", result->dense_error));
  }
  session.line("dense", fmt::format("validation error {:.2f} %", result->plain_error));
}

// The networks of all rounds, down to the first that loses more than it may.
std::vector<TorchNet> prune_in_rounds(const Session& session, const TorchNet& teacher,
                                      double allowed, TrainResult* result) {
  std::vector<TorchNet> pruned;
  TorchNet net = teacher.clone();
  for (const PruneRound& round : session.recipe.rounds) {
    const std::string name = fmt::format("round{}", pruned.size() + 1);
    prune_and_retrain(session, name, round, &teacher, &net);
    result->rounds.push_back({density_of(net), error_percent(net, *session.validation), {}});
    pruned.push_back(net.clone());
    const RoundResult& last = result->rounds.back();
    session.line(name, fmt::format("{:.2f} % of the weights kept: validation error {:.2f} %",
                                   100 * last.density, last.pruned_error));
    if (last.pruned_error > allowed) break;
  }
  return pruned;
}

// What sharing alone saves, layer by layer.
std::string sharing_rates(const TorchNet& net) {
  std::string text;
  for (const Parameters& p : net.layers()) {
    text += fmt::format("{}{} {:.1f}x with {} clusters", text.empty() ? "" : ", ", p.name,
                        sharing_rate(p), p.codebook.size());
  }
  return text;
}

}  // namespace

TrainResult train_and_compress(const Session& session, TorchNet* plain, TorchNet* net) {
  TrainResult result{};
  train_dense(session, plain, net, &result);
  const TorchNet teacher = net->clone();
  const double allowed = result.plain_error + session.recipe.tolerance;
  std::vector<TorchNet> pruned = prune_in_rounds(session, teacher, allowed, &result);
  for (size_t i = pruned.size(); i-- > 0;) {
    RoundResult& round = result.rounds[i];
    if (i > 0 && round.pruned_error > allowed) continue;
    *net = pruned[i].clone();
    share_and_finetune(session, fmt::format("round{}", i + 1), &teacher, net);
    result.dead_units = fold_dead_units(net);
    round.shared_error = result.final_error = error_percent(*net, *session.validation);
    session.line("shared", fmt::format("{:.2f} % of the weights, clustered and fine-tuned: "
                                       "validation error {:.2f} %",
                                       100 * round.density, result.final_error));
    session.line("rate (1)", sharing_rates(*net));
    if (result.final_error <= allowed) break;
  }
  return result;
}

}  // namespace dcf::tools
