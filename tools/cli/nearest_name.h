// SPDX-License-Identifier: Apache-2.0
// The name that a mistyped word was meant to be.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dcf::tools {

// The one of `names` that differs least from `word`, leading dashes aside: in one letter left out,
// added, replaced or swapped with the next for every three of the word, and at least in one. The
// first of several; empty where none is that near.
std::string nearest_name(std::string_view word, const std::vector<std::string>& names);

}  // namespace dcf::tools
