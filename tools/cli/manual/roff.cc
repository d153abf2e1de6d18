// SPDX-License-Identifier: Apache-2.0
#include "cli/manual/roff.h"

#include <fmt/format.h>

#include "formats/text.h"

namespace dcf::tools {
namespace {

// groff_char(7): what a plain letter of these would become is for prose, not for command lines.
std::string_view escape_of(char c) {
  switch (c) {
    case '\\':
      return "\\e";
    case '-':
      return "\\-";
    case '\'':
      return "\\(aq";
    case '`':
      return "\\(ga";
    case '^':
      return "\\(ha";
    case '~':
      return "\\(ti";
    case '"':
      return "\\(dq";
    default:
      return {};
  }
}

std::string font(char name, std::string_view text) {
  return fmt::format("\\f{}{}\\fR", name, roff_text(text));
}

}  // namespace

std::string roff_text(std::string_view text) {
  std::string out;
  bool at_start = true;
  while (!text.empty()) {
    const Glyph glyph = first_glyph(text);
    text.remove_prefix(glyph.bytes.size());
    const char c = glyph.bytes.front();
    if (at_start && (c == '.' || c == ' ')) out += "\\&";
    at_start = c == '\n';
    if (glyph.bytes.size() > 1) {
      out += fmt::format("\\[u{:04X}]", static_cast<uint32_t>(glyph.code));
    } else if (const std::string_view escape = escape_of(c); !escape.empty()) {
      out += escape;
    } else {
      out += c;
    }
  }
  return out;
}

std::string roff_bold(std::string_view text) {
  return font('B', text);
}
std::string roff_italic(std::string_view text) {
  return font('I', text);
}
std::string roff_quoted(std::string_view text) {
  return "\"" + roff_text(text) + "\"";
}

std::string roff_verbatim(std::string_view text) {
  std::string out = ".nf\n";
  while (text.ends_with('\n')) text.remove_suffix(1);
  out += roff_text(text);
  return out + "\n.fi\n";
}

}  // namespace dcf::tools
