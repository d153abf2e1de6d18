// SPDX-License-Identifier: Apache-2.0
#include "cli/page/page_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace dcf::tools::html {
namespace {

std::string class_of(const Column& column) {
  std::string names = column.number ? "num" : "";
  if (column.theirs) names += names.empty() ? "theirs" : " theirs";
  return names.empty() ? "" : " class=\"" + names + "\"";
}

std::string head_of(const std::vector<Column>& columns) {
  const bool grouped =
      std::any_of(columns.begin(), columns.end(), [](const Column& c) { return !c.group.empty(); });
  std::string upper;
  std::string lower;
  for (size_t i = 0; i < columns.size();) {
    const Column& column = columns[i];
    size_t end = i + 1;
    if (column.group.empty()) {
      upper += fmt::format("<th scope=\"col\"{}{}>{}</th>", grouped ? " rowspan=\"2\"" : "",
                           class_of(column), escape(column.title));
    } else {
      while (end < columns.size() && columns[end].group == column.group) ++end;
      upper += fmt::format("<th scope=\"colgroup\" colspan=\"{}\" class=\"group\">{}</th>", end - i,
                           escape(column.group));
      for (size_t k = i; k < end; ++k) {
        lower += fmt::format("<th scope=\"col\"{}>{}</th>", class_of(columns[k]),
                             escape(columns[k].title));
      }
    }
    i = end;
  }
  std::string head = "<thead><tr>" + upper + "</tr>";
  if (grouped) head += "<tr>" + lower + "</tr>";
  return head + "</thead>";
}

}  // namespace

Markup render(const Table& table) {
  std::string out = "<div class=\"wide\"><table>";
  if (!table.caption.empty()) out += "<caption>" + escape(table.caption) + "</caption>";
  out += head_of(table.columns) + "<tbody>\n";
  for (const Row& row : table.rows) {
    if (row.cells.size() != table.columns.size()) {
      throw std::logic_error("html table: a row of the wrong length");
    }
    out += row.total ? "<tr class=\"total\">" : "<tr>";
    for (size_t i = 0; i < row.cells.size(); ++i) {
      out += fmt::format("<td{}>{}</td>", class_of(table.columns[i]), escape(row.cells[i]));
    }
    out += "</tr>\n";
  }
  return {out + "</tbody></table></div>\n"};
}

}  // namespace dcf::tools::html
