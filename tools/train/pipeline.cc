// SPDX-License-Identifier: Apache-2.0
#include "train/pipeline.h"

#include <fmt/format.h>

#include "train/steps.h"

namespace dcf::tools {

TrainResult train_and_compress(const Session& session, TorchNet* plain, TorchNet* net) {
  const Recipe& recipe = session.recipe;
  TrainResult result{};
  run_pass(session, {"dense", Moves::kWeights, recipe.dense, {}}, nullptr, net);
  result.dense_error = error_percent(*net, *session.validation);
  if (recipe.plain.epochs > 0) {
    Session ordinary = session;
    ordinary.recipe.shift = 0;
    run_pass(ordinary, {"plain", Moves::kWeights, recipe.plain, {}}, nullptr, plain);
    result.plain_error = error_percent(*plain, *session.validation);
    session.line("dense", fmt::format("validation error {:.2f} %", result.plain_error));
    session.line("teacher", fmt::format("validation error {:.2f} %", result.dense_error));
  } else {
    *plain = net->clone();
    result.plain_error = result.dense_error;
    session.line("dense", fmt::format("validation error {:.2f} %", result.dense_error));
  }
  const TorchNet teacher = net->clone();
  TorchNet best = net->clone();
  for (size_t i = 0; i < recipe.rounds.size(); ++i) {
    const std::string name = fmt::format("round{}", i + 1);
    prune_and_retrain(session, name, recipe.rounds[i], &teacher, net);
    RoundResult round{density_of(*net), error_percent(*net, *session.validation), 0};
    TorchNet shared = net->clone();
    share_and_finetune(session, name, &teacher, &shared);
    const size_t dead = fold_dead_units(&shared);
    round.shared_error = error_percent(shared, *session.validation);
    result.rounds.push_back(round);
    session.line(name,
                 fmt::format("{:.2f} % of the weights kept: validation error {:.2f} %; shared "
                             "and fine-tuned {:.2f} %",
                             100 * round.density, round.pruned_error, round.shared_error));
    if (i > 0 && round.shared_error > result.plain_error + recipe.tolerance) break;
    best = shared;
    result.dead_units = dead;
    result.final_error = round.shared_error;
  }
  *net = best;
  return result;
}

}  // namespace dcf::tools
