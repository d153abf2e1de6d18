// SPDX-License-Identifier: Apache-2.0
#include "cli/nearest_name.h"

#include <algorithm>
#include <cstddef>

namespace dcf::tools {
namespace {

// No name is longer; a longer word is none of them, and takes no time.
constexpr size_t kMaxWord = 32;

std::string_view without_dashes(std::string_view word) {
  return word.substr(std::min(word.find_first_not_of('-'), word.size()));
}

// Letters left out, added, replaced or swapped with the next.
size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      const size_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string nearest_name(std::string_view word, const std::vector<std::string>& names) {
  word = without_dashes(word);
  if (word.empty() || word.size() > kMaxWord) return "";
  std::string nearest;
  size_t least = std::max<size_t>(word.size() / 3, 1) + 1;
  for (const std::string& name : names) {
    const size_t number = edits(word, without_dashes(name));
    if (number >= least) continue;
    least = number;
    nearest = name;
  }
  return nearest;
}

}  // namespace dcf::tools
