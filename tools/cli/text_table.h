// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace dcf::tools {

enum class Align { kLeft, kRight };

struct Column {
  std::string title;
  Align align = Align::kRight;
};

// Where the columns of a table stand. Rows are shown twice: fit() widens the columns for each of
// them, limit() makes the lines fit a terminal, and row() is the text. So a table of any length can
// be printed row by row. Cells are printable text, as many as there are columns.
class TableLayout {
 public:
  explicit TableLayout(std::vector<Column> columns);

  void fit(const std::vector<std::string>& cells);
  // Lines of at most `width` terminal columns; 0 is any width. The first column is shortened in the
  // middle. Where that is not enough a row takes several lines, all but the first indented; a
  // single cell that is too wide for a line of its own stays whole.
  void limit(size_t width);

  // Lines that end with a newline.
  std::string titles() const;
  std::string row(const std::vector<std::string>& cells) const;

 private:
  std::vector<Column> columns_;
  std::vector<size_t> widths_;  // terminal columns
  std::vector<bool> starts_line_;
};

// A table that is held in memory.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : layout_(std::move(columns)) {}

  void add_row(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  // As TableLayout::limit().
  std::string render(size_t width) const;

 private:
  TableLayout layout_;
  std::vector<std::vector<std::string>> rows_;
};

// The parts with commas between them, in lines of at most `width` columns as far as parts allow; 0:
// one line.
std::string fold_list(const std::vector<std::string>& parts, size_t width);

}  // namespace dcf::tools
