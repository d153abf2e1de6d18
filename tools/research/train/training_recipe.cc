// SPDX-License-Identifier: Apache-2.0
#include "research/train/training_recipe.h"

#include <algorithm>

namespace dcf::tools {
namespace {

std::vector<const Layer*> weight_layers(const Network& network) {
  std::vector<const Layer*> layers;
  for (const Layer& layer : network.layers) {
    if (layer.has_weights()) layers.push_back(&layer);
  }
  return layers;
}

uint64_t count_weights(const std::vector<const Layer*>& layers) {
  uint64_t weights = 0;
  for (const Layer* layer : layers) {
    uint64_t n = 1;
    for (const uint64_t d : layer->weight_dims()) n *= d;
    weights += n;
  }
  return weights;
}

// Networks from this many weights on learn the task in few epochs, and need few of their weights.
constexpr uint64_t kLargeNetwork = 4'000'000;

bool is_convolutional(const Network& network) {
  return std::any_of(network.layers.begin(), network.layers.end(),
                     [](const Layer& l) { return l.op == Op::kConv; });
}

// The paper's tables of densities (LeNet-300-100 and LeNet-5; other nets as its AlexNet).
std::vector<double> paper_densities(const std::vector<const Layer*>& layers) {
  std::vector<std::string> names;
  for (const Layer* l : layers) names.push_back(l->name);
  const bool large = count_weights(layers) >= kLargeNetwork;
  if (names == std::vector<std::string>{"ip1", "ip2", "ip3"} && !large) return {0.08, 0.09, 0.26};
  if (names == std::vector<std::string>{"conv1", "conv2", "ip1", "ip2"}) {
    return {0.66, 0.12, 0.08, 0.19};
  }
  std::vector<double> densities;
  for (size_t i = 0; i < layers.size(); ++i) {
    const bool last = i + 1 == layers.size();
    densities.push_back(layers[i]->op == Op::kConv ? (i == 0 ? 0.84 : 0.37) : last ? 0.25 : 0.09);
  }
  return densities;
}

// Stochastic gradients with Nesterov's momentum. On MNIST these generalise better than Adam: 0.1 to
// 0.3 points at equal density.
Schedule sgd(uint64_t epochs, double rate, double weight_decay) {
  Schedule s;
  s.epochs = epochs;
  s.rate = rate;
  s.momentum = 0.9;
  s.weight_decay = weight_decay;
  return s;
}

// How a network is brought to the lowest density that it bears, by what it is made of. Chosen on
// validation data of MNIST.
struct BestPlan {
  Schedule plain;
  Schedule dense;
  Schedule round;  // its epochs are those of the step below
  struct Step {
    double density;
    uint64_t epochs;
  };
  std::vector<Step> steps;
  double tolerance;
  uint64_t finetune_epochs;
};

// Of the gradients of convolutional networks: without it one run in eight of LeNet-5 diverges in
// its first epoch.
constexpr double kConvClip = 2;

BestPlan best_plan(uint64_t weights, bool conv, bool augment) {
  if (weights >= kLargeNetwork) {
    return {sgd(5, 0.05, 1e-4), sgd(6, 0.05, 1e-4), sgd(0, 0.1, 0), {{0.006, 8}}, 0, 1};
  }
  if (conv) {
    if (!augment) {
      return {{},
              sgd(15, 0.05, 1e-4),
              sgd(0, 0.1, 1e-4),
              {{0.12, 8}, {0.06, 8}, {0.03, 8}, {0.02, 8}},
              0,
              2};
    }
    return {sgd(8, 0.05, 1e-4),
            sgd(15, 0.05, 1e-4),
            sgd(0, 0.1, 0),
            {{0.06, 4}, {0.024, 9}, {0.014, 9}},
            1,
            2};
  }
  if (augment) {
    return {sgd(20, 0.1, 1e-4),
            sgd(40, 0.1, 1e-4),
            sgd(0, 0.2, 0),
            {{0.06, 15}, {0.025, 25}, {0.018, 35}, {0.014, 35}},
            1,
            2};
  }
  return {{},
          sgd(25, 0.1, 1e-4),
          sgd(0, 0.1, 1e-4),
          {{0.08, 25}, {0.055, 30}, {0.043, 30}, {0.035, 30}},
          0,
          2};
}

}  // namespace

Recipe paper_recipe(const Network& network) {
  const auto layers = weight_layers(network);
  const bool conv = is_convolutional(network);
  Recipe r;
  r.name = "paper";
  if (conv) {
    r.clip = kConvClip;
    r.label_smoothing = 0.1;
    r.dense = sgd(10, 0.05, 5e-4);
    r.rounds = {{0, 0, sgd(16, 0.05, 5e-4)}};
    r.finetune = {2, 1e-4, 0.05};
  } else {
    const bool large = count_weights(layers) >= kLargeNetwork;
    r.dense = sgd(large ? 5 : 25, 0.1, 1e-4);
    r.rounds = {{0, 0, large ? sgd(8, 0.2, 0) : sgd(40, 0.1, 1e-4)}};
    // Noise on the inputs keeps what is left of the network from learning the training set by
    // heart.
    r.rounds[0].schedule.input_dropout = 0.3;
    r.rounds[0].schedule.dropout = 0.3;
    r.finetune = {large ? 1u : 2u, 2e-4, 0.05};
  }
  r.init = DCF_INIT_LINEAR;
  r.positions = DCF_POSITIONS_GAP;
  const auto densities = paper_densities(layers);
  for (size_t i = 0; i < layers.size(); ++i) {
    r.layers.push_back({densities[i], layers[i]->op == Op::kConv ? 255u : 16u});
  }
  return r;
}

Recipe best_recipe(const Network& network, bool augment) {
  const auto layers = weight_layers(network);
  const bool conv = is_convolutional(network);
  const BestPlan plan = best_plan(count_weights(layers), conv, augment);
  Recipe r;
  r.name = augment ? "best" : "best-no-augment";
  r.clip = conv ? kConvClip : 0;
  r.dense = plan.dense;
  r.dense.input_dropout = conv ? 0 : 0.1;
  r.dense.dropout = conv ? 0.35 : 0.2;
  if (augment) {
    r.plain = plan.plain;
    r.shift = 1;
    r.distill = 0.9;
    r.temperature = 2;
  }
  for (const BestPlan::Step& step : plan.steps) {
    PruneRound& round = r.rounds.emplace_back(PruneRound{step.density, 0.5, plan.round});
    round.schedule.epochs = step.epochs;
    // Without a teacher, noise has to keep the network from learning the training set by heart.
    if (!augment) round.schedule.input_dropout = round.schedule.dropout = 0.3;
  }
  r.tolerance = plan.tolerance;
  for (const Layer* layer : layers) r.layers.push_back({0, layer->op == Op::kConv ? 8u : 4u});
  r.finetune = {plan.finetune_epochs, 3e-4, 0.05};
  r.bias_bits = 6;
  r.max_density = 0.5;
  r.max_halving = 2;
  r.max_doubling = 2;
  r.slower_finetune = 0.25;
  if (augment) r.unaugmented = std::make_shared<const Recipe>(best_recipe(network, false));
  return r;
}

}  // namespace dcf::tools
