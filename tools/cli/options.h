// SPDX-License-Identifier: Apache-2.0
// Options that several verbs share, as the parser knows them.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "cli/common_options.h"

namespace dcf::tools {

void add_common_options(CLI::App* verb, CommonOptions* options);
// -o and -f. The path is required unless it has a value already.
void add_output_options(CLI::App* verb, OutputOptions* options, const std::string& what);

// Adds an option that takes a size, "512M", "1G", "64k" or "4096": bytes, in units of 1024.
CLI::Option* add_size_option(CLI::App* verb, const std::string& names, uint64_t* bytes,
                             const std::string& what);

// Validators of options whose value must not be empty, and of those that take an unsigned integer:
// CLI11 itself would read "-1" as 2^64 - 1.
CLI::Validator not_empty();
CLI::Validator digits_only();

}  // namespace dcf::tools
