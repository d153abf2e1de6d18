// SPDX-License-Identifier: Apache-2.0
// From a data set to a measured .dcf file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "research/train/session.h"

namespace dcf::tools {

// Errors are those of validation data, in percent.
struct RoundResult {
  double density;
  double pruned_error;
  std::optional<double> shared_error;  // only where sharing was tried
};

struct TrainResult {
  double plain_error;  // of the dense net of ordinary training
  double dense_error;  // of the dense net that compression starts from
  bool augmented;      // the training images were moved
  std::vector<RoundResult> rounds;
  size_t dead_units;
  double final_error;
};

// Trains and compresses; `net` ends as what is to be stored.
TrainResult train_and_compress(const Session& session, TorchNet* plain, TorchNet* net);

}  // namespace dcf::tools
