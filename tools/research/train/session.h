// SPDX-License-Identifier: Apache-2.0
// One training run: its data, its recipe, and where it keeps what is done. Passes over the data are
// resumable: after every epoch the state is saved, and all randomness of an epoch follows from the
// run's seed, the pass's name and the epoch's number.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "research/train/optimizer.h"
#include "research/train/torch_net.h"
#include "research/train/training_recipe.h"
#include "research/train/training_samples.h"

namespace dcf::tools {

struct Session {
  const Network* network = nullptr;
  Recipe recipe;
  uint64_t seed = 0;
  std::shared_ptr<const Samples> training;
  std::shared_ptr<const Samples> validation;
  std::string work;  // folder of what is done
  // Told of steps done in a pass, and of each result in one line. Never empty.
  std::function<void(const std::string& pass, uint64_t done, uint64_t total)> advance;
  std::function<void(const std::string& step, const std::string& text)> line;
};

// What the steps of a pass move.
enum class Moves {
  kWeights,    // kept weights and biases
  kShared,     // the same, but the network computes with each weight's centroid: the gradient of a
               // shared weight moves the weight behind it, and centroids follow their weights
  kCentroids,  // centroids by gradients summed per cluster (the paper, section 3.3), and biases
};

struct Pass {
  std::string name;
  Moves moves = Moves::kWeights;
  Schedule schedule;
  // Called before each step of `total`; may prune. Not with kCentroids.
  std::function<void(TorchNet*, uint64_t step, uint64_t total)> before_step;
};

// Trains `net` in place. `teacher` may be null: then nothing is distilled.
void run_pass(const Session& session, const Pass& pass, const TorchNet* teacher, TorchNet* net);

// 1 for each sample that the network gets wrong, else 0.
std::vector<uint8_t> mistakes(const TorchNet& net, const Samples& samples);
// Share of samples that are wrong, in percent.
double error_percent(const std::vector<uint8_t>& mistakes);
double error_percent(const TorchNet& net, const Samples& samples);

// Network, masks, codes and codebooks, and `more`, in a file that appears whole. load returns false
// where there is none.
void save_state(const std::string& path, const TorchNet& net,
                const std::vector<torch::Tensor>& more);
bool load_state(const std::string& path, TorchNet* net, std::vector<torch::Tensor>* more);

}  // namespace dcf::tools
