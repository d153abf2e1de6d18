// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace dcf::tools {

struct ShellResult {
  std::string failure;      // "ended with status 3", "was killed by signal 9"; empty: status 0
  std::string output_tail;  // the last part of what it wrote to standard output
};

// Runs `sh -c command` to its end; its standard error is ours. Throws Interrupted, once the command
// is gone, if a deferred signal comes meanwhile.
ShellResult run_shell(const std::string& command);

}  // namespace dcf::tools
