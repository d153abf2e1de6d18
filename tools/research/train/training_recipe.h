// SPDX-License-Identifier: Apache-2.0
// What a training run does, step by step. The built-in recipes were chosen on validation data of
// MNIST; a JSON file may change single numbers.
#pragma once

#include <dcf/dcf_write.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cli/network/network.h"

namespace dcf::tools {

// One pass of training: epochs of a rule under a cosine schedule.
struct Schedule {
  uint64_t epochs = 0;
  double rate = 1e-3;  // at the start; it falls to rate * final_share
  double final_share = 0.01;
  double momentum = 0;  // 0: Adam
  double weight_decay = 0;
  // Dropout in front of linear layers, in a network without its own: of the first, and of the
  // others.
  double input_dropout = 0;
  double dropout = 0;
};

// A round of pruning and retraining to a density of all weights, or of each layer.
struct PruneRound {
  double density = 1;        // share of all weights that stay, by global magnitude; 0: use `layers`
  double steps_share = 0.5;  // of the round's steps until the density is reached; 0: at once
  Schedule schedule;
};

struct LayerRecipe {
  double density = 0;  // of a one-shot round by layer
  uint32_t clusters = 16;
};

struct Recipe {
  std::string name;
  uint64_t batch = 128;
  uint64_t shift = 0;  // augmentation: images move by up to this many pixels each way
  double label_smoothing = 0;
  double clip = 0;  // longest gradient of all tensors together, longer ones are shortened; 0: any
  double distill = 0;  // share of the loss that is the distance to the dense net's output
  double temperature = 3;
  Schedule plain;  // the dense net of ordinary training, where `dense` is anything more
  Schedule dense;
  // Rounds to lower and lower densities go on until one breaks the promise (promise.h), by more
  // than `tolerance` standard errors.
  std::vector<PruneRound> rounds;
  double tolerance = 0;
  double max_density = 0;      // up to which a first round that breaks it is eased
  uint32_t max_halving = 0;    // how often the gap between kept and broken is halved
  uint32_t max_doubling = 0;   // how often the clusters may be doubled where sharing loses too much
  double slower_finetune = 0;  // rate of a second fine-tuning, before more clusters; 0: none
  std::vector<LayerRecipe> layers;  // one per weight tensor
  dcf_init init = DCF_INIT_OPTIMAL;
  double lambda = 0;       // of entropy-constrained sharing, in units of the mean square weight
  Schedule sharing;        // training through shared weights, codes still free
  Schedule finetune;       // of centroids and biases, codes fixed
  uint32_t bias_bits = 0;  // 0: biases stay f32
  dcf_positions positions = DCF_POSITIONS_AUTO;
  // What is done instead where not even `dense` errs clearly less than `plain`: its augmentation
  // does not fit the data.
  std::shared_ptr<const Recipe> unaugmented;
};

// The built-in recipes; `augment` false: neither moved images nor a teacher.
Recipe paper_recipe(const Network& network);
Recipe best_recipe(const Network& network, bool augment);

// `name` is "paper" or "best", or the path of a JSON file {"base": "best", ...} whose members
// replace the base's. Throws Error.
Recipe make_recipe(const std::string& name, const Network& network, bool augment);

// Every number of the recipe, as JSON: equal texts make equal runs.
std::string recipe_text(const Recipe& recipe);

}  // namespace dcf::tools
