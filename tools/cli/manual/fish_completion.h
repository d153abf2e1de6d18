// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/manual/command_tree.h"

namespace dcf::tools {

// As bash_completion(), for fish 3.
std::string fish_completion(const CommandTree& tree, const std::vector<std::string>& topics);

}  // namespace dcf::tools
