// SPDX-License-Identifier: Apache-2.0
// Options that several verbs share, as the parser knows them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/command_line.h"
#include "cli/common_options.h"

namespace dcf::tools {

void add_common_options(const Verb& verb, CommonOptions* options);
// -o and -f. The path is required unless it has a value already.
void add_output_options(const Verb& verb, OutputOptions* options, const std::string& what);

// Adds an option that takes a size, "512M", "1G", "64k" or "4096": bytes, in units of 1024.
Argument add_size_option(const Verb& verb, const std::string& names, uint64_t* bytes,
                         const std::string& what);

// The number that all of `text` is, if it is finite.
std::optional<double> parse_finite(const std::string& text);

}  // namespace dcf::tools
