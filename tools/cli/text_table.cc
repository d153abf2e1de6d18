// SPDX-License-Identifier: Apache-2.0
#include "cli/text_table.h"

#include <algorithm>
#include <numeric>

#include "cli/display.h"

namespace dcf::tools {
namespace {

constexpr size_t kGap = 2;
constexpr size_t kMinNameWidth = 12;

std::string pad(const std::string& text, size_t width, Align align) {
  const std::string fill(width - std::min(width, display_width(text)), ' ');
  return align == Align::kLeft ? text + fill : fill + text;
}

}  // namespace

std::string Table::render(size_t max_width) const {
  std::vector<size_t> widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    size_t width = display_width(columns_[c].title);
    for (const auto& row : rows_) width = std::max(width, display_width(row[c]));
    widths.push_back(width);
  }
  if (max_width > 0) {
    const size_t others =
        std::accumulate(widths.begin() + 1, widths.end(), size_t{0}) + kGap * (widths.size() - 1);
    const size_t left = max_width > others ? max_width - others : 0;
    widths[0] = std::min(widths[0], std::max(kMinNameWidth, left));
  }

  std::string out;
  const auto add_line = [&](const auto& cell) {
    std::string line;
    for (size_t c = 0; c < columns_.size(); ++c) {
      if (c > 0) line.append(kGap, ' ');
      line += pad(cell(c), widths[c], columns_[c].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  add_line([&](size_t c) { return columns_[c].title; });
  for (const auto& row : rows_) {
    add_line([&](size_t c) { return c == 0 ? shorten_middle(row[c], widths[0]) : row[c]; });
  }
  return out;
}

}  // namespace dcf::tools
