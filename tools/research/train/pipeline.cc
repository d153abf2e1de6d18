// SPDX-License-Identifier: Apache-2.0
#include "research/train/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "research/train/shared_weights.h"
#include "research/train/steps.h"

namespace dcf::tools {
namespace {

constexpr uint32_t kMaxClusters = 255;  // as dcf_share takes them

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

// One round from `net`, down to the round's density.
RoundResult do_round(const Session& session, const std::string& name, const PruneRound& round,
                     const TorchNet& teacher, TorchNet* net) {
  prune_and_retrain(session, name, round, &teacher, net);
  const RoundResult result{density_of(*net), error_percent(*net, *session.validation), {}};
  session.line(name, fmt::format("{:.2f} % of the weights kept: validation error {:.2f} %",
                                 100 * result.density, result.pruned_error));
  return result;
}

// Of a validation error in percent.
double standard_error(const Session& session, double percent) {
  return std::sqrt(percent * (100 - percent) / static_cast<double>(session.validation->size()));
}

// A first round that loses too much, again with twice the density, as long as that helps. True if
// any did.
bool ease(const Session& session, PruneRound round, const TorchNet& teacher, double allowed,
          TorchNet* net, RoundResult* result) {
  bool eased = false;
  std::string name = "round1";
  while (result->pruned_error > allowed && 2 * round.density <= session.recipe.max_density) {
    round.density *= 2;
    name += "-eased";
    TorchNet denser = teacher.clone();
    const RoundResult next = do_round(session, name, round, teacher, &denser);
    if (next.pruned_error >= result->pruned_error) break;  // more weights are not what is missing
    eased = true;
    *net = std::move(denser);
    *result = next;
  }
  return eased;
}

// The networks of all rounds, down to the first that loses more than it may.
std::vector<TorchNet> prune_in_rounds(const Session& session, const TorchNet& teacher,
                                      double allowed, TrainResult* result) {
  std::vector<TorchNet> pruned;
  TorchNet net = teacher.clone();
  for (const PruneRound& round : session.recipe.rounds) {
    const std::string name = fmt::format("round{}", pruned.size() + 1);
    RoundResult last = do_round(session, name, round, teacher, &net);
    const bool eased =
        pruned.empty() && round.density > 0 && ease(session, round, teacher, allowed, &net, &last);
    result->rounds.push_back(last);
    pruned.push_back(net.clone());
    // Half the density of an eased round was too little already.
    if (eased || last.pruned_error > allowed) break;
  }
  return pruned;
}

// Shares the weights of `net` among as few clusters as keep the error at `allowed`, if any do.
double share(const Session& session, const std::string& round, const TorchNet& teacher,
             double allowed, TorchNet* net) {
  const TorchNet pruned = net->clone();
  Session finer = session;
  double error = 0;
  for (uint32_t doubled = 0; doubled <= session.recipe.max_doubling; ++doubled) {
    *net = pruned.clone();
    const std::string name = doubled == 0 ? round : fmt::format("{}-clusters{}", round, doubled);
    share_and_finetune(finer, name, &teacher, net);
    error = error_percent(*net, *session.validation);
    if (error <= allowed) break;
    for (LayerRecipe& layer : finer.recipe.layers) {
      layer.clusters = std::min(2 * layer.clusters, kMaxClusters);
    }
  }
  return error;
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
  const TorchNet fresh = net->clone();
  train_dense(session, plain, net, &result);
  // Up to here nothing counts as lost.
  const double allowed =
      result.plain_error - session.recipe.margin * standard_error(session, result.plain_error);
  if (session.recipe.unaugmented && result.dense_error > allowed) {
    session.line("augmented", "hardly errs less than the dense net: going on without augmentation");
    Session other = session;
    other.recipe = *session.recipe.unaugmented;
    other.work += "/unaugmented";
    std::filesystem::create_directories(other.work);
    *net = fresh.clone();
    return train_and_compress(other, plain, net);
  }
  const TorchNet teacher = net->clone();
  result.augmented = session.recipe.shift > 0;
  std::vector<TorchNet> pruned = prune_in_rounds(session, teacher, allowed, &result);
  for (size_t i = pruned.size(); i-- > 0;) {
    RoundResult& round = result.rounds[i];
    if (i > 0 && round.pruned_error > allowed) continue;
    *net = pruned[i].clone();
    round.shared_error = result.final_error = share(session, fmt::format("round{}", i + 1), teacher,
                                                    std::max(allowed, round.pruned_error), net);
    result.dead_units = fold_dead_units(net);
    session.line("shared", fmt::format("{:.2f} % of the weights, clustered and fine-tuned: "
                                       "validation error {:.2f} %",
                                       100 * round.density, result.final_error));
    session.line("rate (1)", sharing_rates(*net));
    if (result.final_error <= allowed) break;
  }
  return result;
}

}  // namespace dcf::tools
