// SPDX-License-Identifier: Apache-2.0
#include "cli/text_table.h"

#include <algorithm>

#include "cli/display.h"

namespace dcf::tools {
namespace {

constexpr size_t kGap = 2;
constexpr size_t kFoldIndent = 2;
constexpr size_t kMinNameWidth = 12;

}  // namespace

TableLayout::TableLayout(std::vector<Column> columns)
    : columns_(std::move(columns)), starts_line_(columns_.size(), false) {
  for (const Column& column : columns_) widths_.push_back(display_width(column.title));
}

void TableLayout::fit(const std::vector<std::string>& cells) {
  for (size_t c = 0; c < cells.size(); ++c) {
    widths_[c] = std::max(widths_[c], display_width(cells[c]));
  }
}

void TableLayout::limit(size_t width) {
  if (width == 0) return;
  const size_t least_name = std::min(widths_[0], kMinNameWidth);
  size_t first_line = 0;  // columns of the first line beside the name
  size_t used = least_name;
  bool folded = false;
  for (size_t c = 1; c < columns_.size(); ++c) {
    if (used + kGap + widths_[c] > width) {
      starts_line_[c] = true;
      folded = true;
      used = kFoldIndent + widths_[c];
    } else {
      used += kGap + widths_[c];
      if (!folded) first_line += kGap + widths_[c];
    }
  }
  const size_t left = width > first_line ? width - first_line : 0;
  widths_[0] = std::min(widths_[0], std::max(least_name, left));
}

std::string TableLayout::titles() const {
  std::vector<std::string> cells;
  cells.reserve(columns_.size());
  for (const Column& column : columns_) cells.push_back(column.title);
  return row(cells);
}

std::string TableLayout::row(const std::vector<std::string>& cells) const {
  std::string text;
  for (size_t c = 0; c < cells.size(); ++c) {
    if (starts_line_[c]) {
      text.erase(text.find_last_not_of(' ') + 1);
      text += '\n';
      text.append(kFoldIndent, ' ');
    } else if (c > 0) {
      text.append(kGap, ' ');
    }
    const std::string& cell = cells[c];
    const size_t width = display_width(cell);
    const size_t fill = widths_[c] - std::min(widths_[c], width);
    if (columns_[c].align == Align::kRight) text.append(fill, ' ');
    if (c == 0 && width > widths_[0]) {
      const std::string shorter = shorten_middle(cell, widths_[0]);
      text += shorter;
      // A wide character that does not fit leaves one column empty.
      text.append(widths_[0] - display_width(shorter), ' ');
    } else {
      text += cell;
    }
    if (columns_[c].align == Align::kLeft) text.append(fill, ' ');
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text + "\n";
}

void Table::add_row(std::vector<std::string> cells) {
  layout_.fit(cells);
  rows_.push_back(std::move(cells));
}

std::string Table::render(size_t width) const {
  TableLayout layout = layout_;
  layout.limit(width);
  std::string text = layout.titles();
  for (const auto& cells : rows_) text += layout.row(cells);
  return text;
}

std::string fold_list(const std::vector<std::string>& parts, size_t width) {
  std::string out;
  size_t used = 0;
  for (const std::string& part : parts) {
    const size_t size = display_width(part) + 1;  // with its comma
    if (!out.empty()) {
      const bool fits = width == 0 || used + 1 + size <= width;
      out += fits ? ", " : ",\n";
      used = fits ? used + 1 : 0;
    }
    out += part;
    used += size;
  }
  return out + "\n";
}

}  // namespace dcf::tools
