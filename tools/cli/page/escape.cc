// SPDX-License-Identifier: Apache-2.0
#include "cli/page/escape.h"

#include <algorithm>

#include "formats/text.h"

namespace dcf::tools::html {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

// Bytes of the well-formed code point that `text` starts with; 0 where there is none.
size_t first_size(std::string_view text) {
  constexpr size_t kMaxSequence = 4;
  for (size_t size = 1; size <= std::min(kMaxSequence, text.size()); ++size) {
    if (is_utf8(text.substr(0, size))) return size;
  }
  return 0;
}

// C0 but tab and newline, DEL, C1, and the two noncharacters that XML forbids.
bool is_forbidden(std::string_view glyph) {
  const auto lead = static_cast<unsigned char>(glyph[0]);
  if (glyph.size() == 1) return (lead < 0x20 && lead != '\t' && lead != '\n') || lead == 0x7f;
  if (lead == 0xc2) return static_cast<unsigned char>(glyph[1]) < 0xa0;
  return glyph == "\xef\xbf\xbe" || glyph == "\xef\xbf\xbf";
}

std::string_view reference(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t size = first_size(text);
    const std::string_view glyph = text.substr(0, std::max<size_t>(size, 1));
    text.remove_prefix(glyph.size());
    if (size == 0 || is_forbidden(glyph)) {
      out += kReplacement;
    } else if (const std::string_view name = reference(glyph[0]); !name.empty()) {
      out += name;
    } else {
      out += glyph;
    }
  }
  return out;
}

}  // namespace dcf::tools::html
