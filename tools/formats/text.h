// SPDX-License-Identifier: Apache-2.0
// Text read from files, compared or made safe to print: names, keys, paths, messages.
#pragma once

#include <string>
#include <string_view>

namespace dcf::tools {

// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

// A to Z become small, all other bytes stay.
std::string lower_case(std::string_view text);

// The first character of a text, or its first byte where that starts none.
struct Glyph {
  std::string_view bytes;
  char32_t code = 0;
  bool well_formed = false;
};
// `text` is not empty.
Glyph first_glyph(std::string_view text);

// Whether a well-formed character shows: false for controls, line ends, blanks other than the
// space, what has no glyph or no width of its own (Unicode Cf, joiners, fillers, variation
// selectors, tags), changes the writing direction, or is no character.
bool is_visible(char32_t code);

// `text` on one line, with all that does not show written out: bytes below U+0080 and ill-formed
// ones as \xNN, other characters as \u{N}, a backslash as two. No two texts give the same result.
std::string printable(std::string_view text);

// printable() of the name of a tensor, "" where it is empty, which would not be seen.
std::string printable_name(std::string_view name);

// printable() in single quotes for a message; long texts are cut. The result is valid UTF-8.
std::string quote(std::string_view text);

// A message, whose parts from files went through quote(), on one line: as printable(), but
// backslashes stay as they are.
std::string printable_message(std::string_view message);

}  // namespace dcf::tools
