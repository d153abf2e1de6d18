// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/page/escape.h"

namespace dcf::tools::html {

struct Column {
  std::string title;
  std::string group;    // neighbours of one group stand under its name; empty: none
  bool number = true;   // to the right, in figures of one width
  bool theirs = false;  // not measured here but quoted: set apart
};

struct Row {
  std::vector<std::string> cells;  // one per column
  bool total = false;              // sums up the rows above
};

struct Table {
  std::string caption;  // empty: none
  std::vector<Column> columns;
  std::vector<Row> rows;
};

// Throws std::logic_error where a row has not one cell per column.
Markup render(const Table& table);

}  // namespace dcf::tools::html
