// SPDX-License-Identifier: Apache-2.0
#include "formats/unique_names.h"

namespace dcf::tools {

std::string UniqueNames::take(const std::string& name) {
  if (reserve(name)) return name;
  uint64_t& next = next_.try_emplace(name, 2).first->second;
  for (;;) {
    std::string numbered = name + "#" + std::to_string(next++);
    if (reserve(numbered)) return numbered;
  }
}

}  // namespace dcf::tools
