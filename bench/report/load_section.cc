// SPDX-License-Identifier: Apache-2.0
#include "report/section.h"

namespace dcf::bench {
namespace {

html::Table dense_table(const Results& results, const std::string& row) {
  html::Table out{"To dense floats.",
                  {{"from", "", false},
                   {"MB"},
                   {"ms"},
                   {"GB/s of floats"},
                   {"times memcpy"},
                   {"times zstd -19"}},
                  {}};
  const auto copy = results.time("load", row, "memcpy");
  const auto zstd = results.time("load", row, "zstd -19");
  for (const std::string& column : results.columns("load")) {
    const auto time = results.time("load", row, column);
    if (!time) continue;
    const std::string file = column.starts_with("dcf")    ? "dcf"
                             : column.starts_with("zstd") ? column
                                                          : "dense";
    const auto bytes = results.fact("load sizes", row, file);
    out.rows.push_back(
        {{column, bytes ? number(*bytes / kMega) : "-", number(time->cpu / kMilli),
          number(time->items / time->cpu / kGiga), ratio(copy, time), ratio(zstd, time)}});
  }
  return out;
}

html::Table sparse_table(const Results& results, const std::string& row) {
  html::Table out{
      "From the .dcf file to sparse forms.", {{"to", "", false}, {"ms"}, {"ns per nonzero"}}, {}};
  for (const std::string& column : results.columns("load sparse")) {
    const auto time = results.time("load sparse", row, column);
    if (!time) continue;
    out.rows.push_back(
        {{column, number(time->cpu / kMilli), number(time->cpu / time->items / kNano)}});
  }
  return out;
}

html::Markup dense_plot(const Results& results, const std::string& row) {
  html::BarPlot plot;
  plot.title = row + " to dense floats";
  plot.y.title = "GB/s of floats";
  html::BarSeries series;
  for (const std::string& column : results.columns("load")) {
    const auto time = results.time("load", row, column);
    if (!time) continue;
    plot.labels.push_back(column);
    series.values.push_back(time->items / time->cpu / kGiga);
  }
  plot.series = {series};
  return html::draw(plot);
}

}  // namespace

Section load_section(const Results& results) {
  Section section{"Loading", "", {}};
  for (const std::string& row : results.rows("load")) {
    section.text = row +
                   " (4096 x 9216, 9 % of the weights kept, 32 clusters; synthetic) from files in "
                   "the page cache, one thread; dcf payload: from an open file in memory. zstd "
                   "decompresses the dense floats, in 16 slices";
    section.text += results.quick() ? ", all of them the same in a quick run." : ".";
    section.parts.push_back({dense_table(results, row), {dense_plot(results, row)}});
    if (results.has("load sparse")) section.parts.push_back({sparse_table(results, row), {}});
  }
  return section;
}

}  // namespace dcf::bench
