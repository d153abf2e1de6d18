// SPDX-License-Identifier: Apache-2.0
// From a data set to a measured .dcf file.
#pragma once

#include <vector>

#include "research/train/search.h"

namespace dcf::tools {

// Errors are those of validation data, in percent.
struct TrainResult {
  double plain_error;  // of the dense net of ordinary training
  double dense_error;  // of the dense net that compression starts from
  bool augmented;      // the training images were moved
  std::vector<Tried> rounds;
  double density;  // of the result, as pruned
  Verdict shared;  // of the result
  size_t dead_units;
};

// Trains and compresses; `net` ends as what is to be stored.
TrainResult train_and_compress(const Session& session, TorchNet* plain, TorchNet* net);

}  // namespace dcf::tools
