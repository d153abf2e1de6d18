// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "paper/report.h"
#include "train/reproduce_main.h"

namespace dcf::tools {

// Trains a built-in network for all seeds, and does the paper's experiments with the first of them.
TrainedNet reproduce_net(const ReproduceOptions& options, const std::string& name,
                         const PaperNet& paper);

}  // namespace dcf::tools
