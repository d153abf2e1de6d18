// SPDX-License-Identifier: Apache-2.0
// The steps of Deep Compression on a network in training.
#pragma once

#include "research/train/session.h"

namespace dcf::tools {

// Share of all weights that is kept.
double density_of(const TorchNet& net);

// A round of pruning and retraining (the paper, section 2): to recipe.layers' densities at once, or
// to a share of all weights by global magnitude along the cubic schedule.
void prune_and_retrain(const Session& session, const std::string& name, const PruneRound& round,
                       const TorchNet* teacher, TorchNet* net);

// Weight sharing, training through it, and fine-tuning of centroids and biases (section 3). Biases
// are rounded before the fine-tuning ends. Names of its passes start with `name`.
void share_and_finetune(const Session& session, const std::string& name, const TorchNet* teacher,
                        TorchNet* net);

// Zeroes units that nothing reads or that are constant; returns their number.
size_t fold_dead_units(TorchNet* net);

}  // namespace dcf::tools
