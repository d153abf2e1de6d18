// SPDX-License-Identifier: Apache-2.0
// `dcf train` without its command line. No LibTorch in this header.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/common_options.h"

namespace dcf::tools {

struct TrainCommand {
  CommonOptions common;
  OutputOptions output;
  std::string net;
  std::string data;
  std::string recipe = "best";
  uint64_t seed = 1;
  bool no_augment = false;
};

// What `dcf train --reproduce paper` takes besides.
struct ReproduceCommand {
  std::string what;  // "paper", or empty where one network is trained
  std::vector<uint64_t> seeds = {1, 2, 3};
  bool quick = false;
  std::string weights;
  std::string evaluation;
};

// Trains, writes the file, measures it and prints the result. Returns the exit code; throws Error.
int train(const TrainCommand& command);

// The paper's networks for all seeds, and a report of them in the folder output.path.
int reproduce_paper(const TrainCommand& command, const ReproduceCommand& reproduction);

}  // namespace dcf::tools
