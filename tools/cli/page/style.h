// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace dcf::tools::html {

// Colours that series take in turn: classes s0, s1, ... of the style sheet.
inline constexpr size_t kSeriesColours = 6;

// The style sheet of every page; plots depend on it too.
std::string_view style_sheet();

}  // namespace dcf::tools::html
