// SPDX-License-Identifier: Apache-2.0
#include "research/train/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "research/train/steps.h"

namespace dcf::tools {
namespace {

constexpr uint32_t kMaxClusters = 255;  // as dcf_share takes them
// Densities this close to each other make files of nearly one size.
constexpr double kSameDensity = 1.1;

class Pruning {
 public:
  Pruning(const Session& session, const TorchNet& teacher, const Promise& promise,
          std::vector<Tried>* tried)
      : session_(session), teacher_(teacher), promise_(promise), tried_(tried) {}

  std::vector<Candidate> run() {
    for (size_t i = 0; i < session_.recipe.rounds.size(); ++i) {
      const PruneRound& round = session_.recipe.rounds[i];
      const std::string name = fmt::format("round{}", i + 1);
      Candidate next = attempt(name, round, start());
      if (next.verdict.kept) {
        kept_.push_back(std::move(next));
        continue;
      }
      broken_ = next.density;
      if (kept_.empty()) ease(name, round, std::move(next));
      halve(name, round);
      break;
    }
    return std::move(kept_);
  }

 private:
  const TorchNet& start() const { return kept_.empty() ? teacher_ : kept_.back().net; }

  Candidate attempt(const std::string& name, const PruneRound& round, const TorchNet& from) {
    TorchNet net = from.clone();
    prune_and_retrain(session_, name, round, &teacher_, &net);
    const Tried result{density_of(net), promise_.judge(net)};
    tried_->push_back(result);
    session_.line(name, fmt::format("{:.2f} % of the weights kept: {}", 100 * result.density,
                                    text_of(result.verdict)));
    return {name, std::move(net), result.density, result.verdict};
  }

  // A first round that breaks the promise, again with twice the density.
  void ease(std::string name, PruneRound round, Candidate nearest) {
    while (!nearest.verdict.kept && round.density > 0 &&
           2 * round.density <= session_.recipe.max_density) {
      round.density *= 2;
      name += "-eased";
      Candidate denser = attempt(name, round, teacher_);
      // More weights are not what is missing.
      if (denser.verdict.excess() >= nearest.verdict.excess()) break;
      if (!denser.verdict.kept) broken_ = denser.density;
      nearest = std::move(denser);
    }
    kept_.push_back(std::move(nearest));
  }

  void halve(std::string name, PruneRound round) {
    for (uint32_t i = 0; i < session_.recipe.max_halving; ++i) {
      const Candidate& last = kept_.back();
      if (!last.verdict.kept || last.density <= broken_ * kSameDensity) return;
      round.density = std::sqrt(last.density * broken_);
      name += "-between";
      Candidate next = attempt(name, round, last.net);
      if (next.verdict.kept) {
        kept_.push_back(std::move(next));
      } else {
        broken_ = next.density;
      }
    }
  }

  const Session& session_;
  const TorchNet& teacher_;
  const Promise& promise_;
  std::vector<Tried>* tried_;
  std::vector<Candidate> kept_;
  double broken_ = 0;  // the largest density known to break the promise
};

}  // namespace

std::vector<Candidate> prune_in_rounds(const Session& session, const TorchNet& teacher,
                                       const Promise& promise, std::vector<Tried>* tried) {
  return Pruning(session, teacher, promise, tried).run();
}

Candidate share_sparsest(const Session& session, const TorchNet& teacher, const Promise& promise,
                         const std::vector<Candidate>& pruned) {
  std::optional<Candidate> nearest;
  for (size_t i = pruned.size(); i-- > 0;) {
    Session finer = session;
    for (uint32_t doubled = 0; doubled <= session.recipe.max_doubling; ++doubled) {
      for (const double slower : {1.0, session.recipe.slower_finetune}) {
        if (slower == 0) continue;
        finer.recipe.finetune.rate = slower * session.recipe.finetune.rate;
        std::string name = pruned[i].name;
        if (doubled > 0) name += fmt::format("-clusters{}", doubled);
        if (slower < 1) name += "-slower";
        Candidate next{name, pruned[i].net.clone(), pruned[i].density, {}};
        share_and_finetune(finer, name, &teacher, &next.net);
        next.verdict = promise.judge(next.net);
        session.line("shared", fmt::format("{:.2f} % of the weights, clustered and fine-tuned: {}",
                                           100 * next.density, text_of(next.verdict)));
        const bool kept = next.verdict.kept;
        if (!nearest || next.verdict.excess() < nearest->verdict.excess())
          nearest = std::move(next);
        if (kept) return std::move(*nearest);
      }
      for (LayerRecipe& layer : finer.recipe.layers) {
        layer.clusters = std::min(2 * layer.clusters, kMaxClusters);
      }
    }
  }
  return std::move(*nearest);
}

}  // namespace dcf::tools
