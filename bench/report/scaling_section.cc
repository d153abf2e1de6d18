// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdlib>

#include "report/section.h"

namespace dcf::bench {
namespace {

std::optional<double> per_item(const std::optional<Time>& time) {
  if (!time) return std::nullopt;
  return time->cpu / time->items;
}

html::Table size_table(const Results& results) {
  html::Table out{
      "Nanoseconds per entry; beside them, relative to the smallest tensor. In turn: as many "
      "tensors "
      "of a size as have the entries of the largest, so that no cache holds any; the others are "
      "decoded again and again.",
      {{"tensor", "", false}},
      {}};
  const std::vector<std::string> columns = results.columns("size");
  for (const std::string& column : columns) {
    out.columns.push_back({"ns", "to " + column});
    out.columns.push_back({"relative", "to " + column});
  }
  const std::vector<std::string> rows = results.rows("size");
  for (const std::string& row : rows) {
    html::Row line{{row}};
    for (const std::string& column : columns) {
      const auto first = results.time("size", rows[0], column);
      const auto time = results.time("size", row, column);
      const auto relative = speedup(time, first);
      line.cells.push_back(time ? number(*per_item(time) / kNano) : "-");
      line.cells.push_back(relative ? fmt::format("{:+.0f} %", 100 * (*relative - 1)) : "-");
    }
    out.rows.push_back(std::move(line));
  }
  return out;
}

html::Table thread_table(const Results& results) {
  html::Table out{"Milliseconds by the wall clock, 4 M entries.",
                  {{"work", "", false}, {"1 thread"}, {"2 threads"}, {"times"}},
                  {}};
  for (const std::string& row : results.rows("threads")) {
    const auto one = results.time("threads", row, "1");
    const auto two = results.time("threads", row, "2");
    if (!one || !two) continue;
    out.rows.push_back({{row, number(one->wall / kMilli), number(two->wall / kMilli),
                         times(wall_speedup(one, two))}});
  }
  return out;
}

html::Table memory_table(const Results& results) {
  html::Table out{
      "Peak resident memory of a process on one thread, in MB: after opening the file, verifying "
      "it, "
      "decoding it 64 rows (2 MB of floats) at a time.",
      {{"tensor", "", false}, {"file"}, {"open"}, {"verify"}, {"stream"}},
      {}};
  for (const std::string& row : results.rows("memory")) {
    html::Row line{{row}};
    for (const char* const column : {"file", "open", "verify", "stream"}) {
      const auto bytes = results.fact("memory", row, column);
      line.cells.push_back(bytes ? number(*bytes / kMega) : "-");
    }
    out.rows.push_back(std::move(line));
  }
  return out;
}

html::Table chunk_table(const Results& results) {
  html::Table out{"Decoding the tree layout, Gsymbols/s.", {{"chunk", "", false}}, {}};
  const std::vector<std::string> columns = results.columns("chunk");
  for (const std::string& column : columns) out.columns.push_back({column});
  for (const std::string& row : results.rows("chunk")) {
    html::Row line{{row}};
    for (const std::string& column : columns) {
      const auto time = per_item(results.time("chunk", row, column));
      line.cells.push_back(time ? number(kNano / *time) : "-");
    }
    out.rows.push_back(std::move(line));
  }
  return out;
}

// Rows are numbers and a word: "4 M entries".
html::Markup curve(const Results& results, const std::string& table, const std::string& title,
                   const html::Axis& x, const std::string& y, double scale,
                   double (*value)(double seconds)) {
  html::LinePlot plot;
  plot.title = title;
  plot.x = x;
  plot.y.title = y;
  plot.y.low = 0;
  for (const std::string& column : results.columns(table)) {
    html::Series series{column, {}};
    for (const std::string& row : results.rows(table)) {
      const auto time = per_item(results.time(table, row, column));
      if (time) series.points.push_back({std::atof(row.c_str()) * scale, value(*time)});
    }
    plot.series.push_back(std::move(series));
  }
  return html::draw(plot);
}

}  // namespace

Section scaling_section(const Results& results) {
  Section section{"Scaling", "", {}};
  if (!results.has("size")) return section;
  section.text =
      "Synthetic tensors of 8192 columns, 9 % of the weights kept, 32 clusters. Cost should grow "
      "linearly with entries, and memory should not grow with the file.";
  section.parts.push_back(
      {size_table(results),
       {curve(results, "size", "Cost by size", {"entries", html::Scale::kLog}, "ns per entry",
              kMega, [](double seconds) { return seconds / kNano; })}});
  if (results.has("threads")) section.parts.push_back({thread_table(results), {}});
  section.parts.push_back({memory_table(results), {}});
  section.parts.push_back(
      {chunk_table(results),
       {curve(results, "chunk", "Decoding by chunk", {"symbols of a chunk", html::Scale::kLog},
              "Gsymbols/s", kKibi, [](double seconds) { return kNano / seconds; })}});
  return section;
}

}  // namespace dcf::bench
