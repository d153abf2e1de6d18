// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/manual/command_tree.h"

namespace dcf::tools {

// As bash_completion(), for zsh: the file _dcf of a folder in fpath, or a script to source.
std::string zsh_completion(const CommandTree& tree, const std::vector<std::string>& topics);

}  // namespace dcf::tools
