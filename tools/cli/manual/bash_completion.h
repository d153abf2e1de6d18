// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/manual/command_tree.h"

namespace dcf::tools {

// A script for bash 4.4 or later that completes the command: verbs and options with what they do
// where several match, choices, files, folders. `topics` are what `help` knows besides verbs. It
// needs no package beside bash.
std::string bash_completion(const CommandTree& tree, const std::vector<std::string>& topics);

}  // namespace dcf::tools
