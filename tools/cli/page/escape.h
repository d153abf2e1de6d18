// SPDX-License-Identifier: Apache-2.0
// Text and markup are different types, so that no text gets into a page unescaped.
#pragma once

#include <string>
#include <string_view>

namespace dcf::tools::html {

// Well-formed markup.
struct Markup {
  std::string text;
};

// `text` as the content of an element or of a quoted attribute. Ill-formed UTF-8 and characters
// that no page may hold (controls but tab and newline) become U+FFFD.
std::string escape(std::string_view text);

}  // namespace dcf::tools::html
