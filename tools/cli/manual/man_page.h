// SPDX-License-Identifier: Apache-2.0
// Man pages of the program and of its verbs: what --help says, in sections.
#pragma once

#include <string>
#include <string_view>

#include "cli/manual/command_tree.h"

namespace dcf::tools {

// What stands in the heading and the foot of a page.
struct PageFoot {
  std::string date;     // "2026-11-28"
  std::string version;  // "dcf 0.1.0"
};

// dcf(1).
std::string program_page(const CommandTree& tree, const PageFoot& foot);

// dcf-VERB(1).
std::string verb_page(const CommandTree& tree, const VerbText& verb, const PageFoot& foot);

// dcf-TOPIC(7): `text` is what the help prints, whose first line says what it is about.
std::string topic_page(std::string_view topic, std::string_view text, const PageFoot& foot);

}  // namespace dcf::tools
