// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "research/train/torch_net.h"
#include "research/train/training_recipe.h"

namespace dcf::tools {

// Writes the network with its weights, losslessly, as a .dcf file that `dcf run` executes.
void export_dcf(const TorchNet& net, const Recipe& recipe, const std::string& path, bool overwrite);

}  // namespace dcf::tools
