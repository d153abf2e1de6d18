// SPDX-License-Identifier: Apache-2.0
// What the scripts for shells have in common.
#pragma once

#include <string>
#include <string_view>

namespace dcf::tools {

// One word of bash and zsh, in single quotes.
std::string shell_quoted(std::string_view text);

// The text without its line breaks.
std::string one_line(std::string_view text);

// For sed -nE: the long option that a line of --help describes.
inline constexpr std::string_view kOptionOfHelp = "s/^  (-[A-Za-z],)?(--[a-z-]+).*/\\2/p";

}  // namespace dcf::tools
