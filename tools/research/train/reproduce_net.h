// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "research/paper/report.h"
#include "research/train/reproduce_main.h"

namespace dcf::tools {

// The paper's, which train the first seed's network many times more.
enum class Experiments { kAll, kNone };

// Trains a built-in network for all seeds.
TrainedNet reproduce_net(const ReproduceOptions& options, const std::string& name,
                         const PaperNet& paper, Experiments experiments);

}  // namespace dcf::tools
