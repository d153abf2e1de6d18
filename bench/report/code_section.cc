// SPDX-License-Identifier: Apache-2.0
#include "report/section.h"

namespace dcf::bench {

Section code_section(const Results& results) {
  Section section{"Code size", "", {}};
  if (!results.has("code")) return section;
  section.text =
      "A program that decodes every tensor of a file and links dcf::decoder alone, statically; "
      "libcapnp and the C++ runtime are shared libraries.";
  html::Table table{"", {{"part", "", false}, {"bytes"}}, {}};
  for (const std::string& row : results.rows("code")) {
    table.rows.push_back({{row, number(results.fact("code", row, "bytes"))}});
  }
  section.parts = {{table, {}}};
  return section;
}

}  // namespace dcf::bench
