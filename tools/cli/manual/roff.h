// SPDX-License-Identifier: Apache-2.0
// Text for the typesetter of man pages, in the macros of man(7).
#pragma once

#include <string>
#include <string_view>

namespace dcf::tools {

// `text` as it reads, whatever is in it: backslashes, dots at the beginning of a line, characters
// that the typesetter would replace. Newlines stay.
std::string roff_text(std::string_view text);

std::string roff_bold(std::string_view text);
std::string roff_italic(std::string_view text);

// An argument of a macro, in quotes.
std::string roff_quoted(std::string_view text);

// Lines as they are, in one width of letters where the output has it.
std::string roff_verbatim(std::string_view text);

}  // namespace dcf::tools
