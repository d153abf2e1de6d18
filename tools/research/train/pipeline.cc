// SPDX-License-Identifier: Apache-2.0
#include "research/train/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "research/train/search.h"
#include "research/train/shared_weights.h"
#include "research/train/steps.h"

namespace dcf::tools {
namespace {

// A teacher that errs less by fewer standard errors may do so by chance.
constexpr double kClearly = 1;

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
  const Promise promise(session, *plain, session.recipe.tolerance);
  if (session.recipe.unaugmented && promise.judge(*net).excess() > -kClearly) {
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
  const std::vector<Candidate> pruned = prune_in_rounds(session, teacher, promise, &result.rounds);
  // Where pruning alone breaks the promise already, sharing may lose no more than that.
  const Promise shared_promise =
      promise.with_tolerance(std::max(session.recipe.tolerance, pruned.front().verdict.excess()));
  Candidate shared = share_sparsest(session, teacher, shared_promise, pruned);
  *net = std::move(shared.net);
  result.density = shared.density;
  result.shared = shared.verdict;
  result.dead_units = fold_dead_units(net);
  if (!shared.verdict.kept) {
    session.line("promise", "not kept: the network that comes nearest is the result");
  }
  session.line("rate (1)", sharing_rates(*net));
  return result;
}

}  // namespace dcf::tools
