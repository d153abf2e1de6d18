// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace dcf::tools {

// `dcf help recipes`.
inline constexpr std::string_view kRecipeTopic = "recipes";
std::string recipe_help();

}  // namespace dcf::tools
