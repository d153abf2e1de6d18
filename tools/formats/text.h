// SPDX-License-Identifier: Apache-2.0
// Names read from files, made safe to check and to print.
#pragma once

#include <string>
#include <string_view>

namespace dcf::tools {

// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

// 'text' in single quotes for a message: control bytes (also the C1 range, which terminals may act
// on) and ill-formed UTF-8 become \xNN, and long texts are cut. The result is valid UTF-8.
std::string quote(std::string_view text);

}  // namespace dcf::tools
