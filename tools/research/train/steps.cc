// SPDX-License-Identifier: Apache-2.0
#include "research/train/steps.h"

#include <dcf/dcf_encode.h>

#include <algorithm>

#include "research/train/check.h"
#include "research/train/formulas.h"
#include "research/train/shared_weights.h"

namespace dcf::tools {
namespace {

// Steps between two looks at which weights are least.
constexpr uint64_t kPruneInterval = 50;

void prune_layers(const std::vector<LayerRecipe>& recipes, TorchNet* net) {
  for (size_t i = 0; i < net->layers().size(); ++i) {
    Parameters& p = net->layers()[i];
    p.mask.resize(p.size());
    dcf_error error = DCF_ERROR_INIT;
    check(dcf_prune(p.weights(), p.size(), 1 - recipes[i].density, p.mask.data(), &error), error);
    p.restore();
  }
}

void prune_all(double density, TorchNet* net) {
  std::vector<dcf_prune_layer> layers;
  for (Parameters& p : net->layers()) {
    p.mask.resize(p.size());
    layers.push_back({sizeof(dcf_prune_layer), p.weights(), p.size(), 1.0, p.mask.data()});
  }
  dcf_error error = DCF_ERROR_INIT;
  check(dcf_prune_global(layers.data(), layers.size(), 1 - density, &error), error);
  for (Parameters& p : net->layers()) p.restore();
}

void forget_sharing(TorchNet* net) {
  for (Parameters& p : net->layers()) {
    p.codes.clear();
    p.codebook.clear();
  }
}

}  // namespace

double density_of(const TorchNet& net) {
  uint64_t kept = 0;
  uint64_t all = 0;
  for (const Parameters& p : net.layers()) {
    kept += p.kept();
    all += p.size();
  }
  return static_cast<double>(kept) / static_cast<double>(all);
}

void prune_and_retrain(const Session& session, const std::string& name, const PruneRound& round,
                       const TorchNet* teacher, TorchNet* net) {
  forget_sharing(net);
  Pass pass{name, Moves::kWeights, round.schedule, {}};
  const double before = density_of(*net);
  pass.before_step = [&](TorchNet* n, uint64_t step, uint64_t total) {
    const auto last = static_cast<uint64_t>(round.steps_share * static_cast<double>(total));
    if (step > last || (step % kPruneInterval != 0 && step != last)) return;
    if (round.density == 0) {
      if (step == 0) prune_layers(session.recipe.layers, n);
    } else {
      prune_all(1 - sparsity_at(1 - before, 1 - round.density, step, 0, last), n);
    }
  };
  run_pass(session, pass, teacher, net);
}

void share_and_finetune(const Session& session, const std::string& name, const TorchNet* teacher,
                        TorchNet* net) {
  const Recipe& recipe = session.recipe;
  for (size_t i = 0; i < net->layers().size(); ++i) {
    dcf_share_options options;
    dcf_share_options_init(&options);
    options.clusters = recipe.layers[i].clusters;
    options.init = recipe.init;
    options.seed = session.seed;
    options.lambda = recipe.lambda;
    share_weights(options, &net->layers()[i]);
  }
  if (recipe.sharing.epochs > 0) {
    run_pass(session, {name + "-sharing", Moves::kShared, recipe.sharing, {}}, teacher, net);
  }
  if (recipe.finetune.epochs > 0) {
    run_pass(session, {name + "-finetune", Moves::kCentroids, recipe.finetune, {}}, teacher, net);
  }
  if (recipe.bias_bits > 0) {
    for (Parameters& p : net->layers()) {
      dcf_error error = DCF_ERROR_INIT;
      float* const bias = p.bias.data_ptr<float>();
      check(dcf_quantize_bias(bias, static_cast<size_t>(p.bias.numel()), recipe.bias_bits, bias,
                              &error),
            error);
    }
  }
}

size_t fold_dead_units(TorchNet* net) {
  const auto& list = net->network().layers;
  size_t dead = 0;
  for (bool changed = true; changed;) {
    changed = false;
    size_t found = 0;
    size_t next = 0;
    size_t before = list.size();  // the layer with weights before this one
    bool relu = false;
    for (size_t i = 0; i < list.size(); ++i) {
      if (list[i].op == Op::kRelu) relu = true;
      if (!list[i].has_weights()) continue;
      if (before < list.size() && list[i].pad == 0 && list[i].groups == 1) {
        Parameters& first = net->layers()[next - 1];
        Parameters& second = net->layers()[next];
        const auto units = static_cast<uint64_t>(first.bias.numel());
        const auto outputs = static_cast<uint64_t>(second.bias.numel());
        const dcf_dead_units pair{sizeof(dcf_dead_units),
                                  first.weights(),
                                  first.bias.data_ptr<float>(),
                                  units,
                                  first.size() / units,
                                  relu ? 1u : 0u,
                                  second.weights(),
                                  second.bias.data_ptr<float>(),
                                  outputs,
                                  second.size() / outputs / units};
        size_t count = 0;
        dcf_error error = DCF_ERROR_INIT;
        check(dcf_fold_dead_units(&pair, &count, &error), error);
        found += count;
      }
      before = i;
      relu = false;
      ++next;
    }
    changed = found != dead;
    dead = found;
  }
  return dead;
}

}  // namespace dcf::tools
