// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "report/section.h"

namespace dcf::bench {
namespace {

std::optional<double> gigabytes(const std::optional<Time>& time) {
  if (!time) return std::nullopt;
  return time->items / time->cpu / kGiga;
}

// Layouts of dcf, fastest instruction set first.
std::vector<std::string> own_columns(const Results& results, const std::string& table) {
  std::vector<std::string> columns;
  for (const std::string& column : results.columns(table)) {
    if (column.starts_with("tree")) columns.insert(columns.begin(), column);
  }
  columns.emplace_back("streams");
  return columns;
}

// "avx2" for "tree avx2".
std::string short_name(const std::string& column) {
  return column.starts_with("tree ") ? column.substr(5) : column;
}

html::Table rate_table(const Results& results, const std::string& table, const std::string& caption,
                       const std::vector<std::string>& peers) {
  html::Table out{caption, {{"symbols", "", false}, {"bits/symbol"}}, {}};
  const std::vector<std::string> own = own_columns(results, table);
  for (const std::string& peer : peers) out.columns.push_back({peer, "", true, true});
  for (const std::string& column : own) out.columns.push_back({short_name(column), "Gsymbols/s"});
  for (const std::string& column : own) out.columns.push_back({short_name(column), "times huff0"});
  for (const std::string& row : results.rows(table)) {
    const auto bytes = results.fact("entropy sizes", row, "tree");
    const auto symbols = results.fact("entropy sizes", row, "symbols");
    html::Row line{{row, bytes && symbols ? number(8 * *bytes / *symbols) : "-"}};
    for (const std::string& peer : peers) {
      line.cells.push_back(number(gigabytes(results.time(table, row, peer))));
    }
    for (const std::string& column : own) {
      line.cells.push_back(number(gigabytes(results.time(table, row, column))));
    }
    const auto best = results.best(table, row, peers);
    for (const std::string& column : own) {
      line.cells.push_back(ratio(best, results.time(table, row, column)));
    }
    out.rows.push_back(std::move(line));
  }
  return out;
}

html::Table general_table(const Results& results, const std::string& table,
                          const std::string& caption, bool with_sizes) {
  html::Table out{caption, {{"symbols", "", false}}, {}};
  std::vector<std::string> columns = results.columns(table);
  std::rotate(columns.begin(), columns.end() - 1, columns.end());  // dcf comes last
  for (const std::string& column : columns) {
    out.columns.push_back({column, "", true, column != "dcf"});
  }
  for (const std::string& row : results.rows(table)) {
    html::Row line{{row}};
    for (const std::string& column : columns) {
      const auto time = results.time(table, row, column);
      const auto bytes = results.fact("general sizes", row, column);
      line.cells.push_back(number(gigabytes(time)));
      if (with_sizes && time && bytes) {
        line.cells.back() += fmt::format(" ({:.1f} %)", 100 * *bytes / time->items);
      }
    }
    out.rows.push_back(std::move(line));
  }
  return out;
}

html::Markup rate_plot(const Results& results, const std::string& table, const std::string& title,
                       const std::vector<std::string>& peers) {
  html::BarPlot plot;
  plot.title = title;
  plot.y.title = "Gsymbols/s";
  plot.labels = results.rows(table);
  // Ours first: the colours of plots with other peers are then the same.
  std::vector<std::string> columns = own_columns(results, table);
  columns.insert(columns.end(), peers.begin(), peers.end());
  for (const std::string& column : columns) {
    html::BarSeries series{column, {}};
    for (const std::string& row : plot.labels) {
      series.values.push_back(gigabytes(results.time(table, row, column)).value_or(0));
    }
    plot.series.push_back(std::move(series));
  }
  return html::draw(plot);
}

}  // namespace

Section entropy_section(const Results& results) {
  Section section{"Entropy coding", "", {}};
  if (!results.has("decode")) return section;
  section.text =
      "Huffman layouts of dcf (avx512bw, avx2, scalar, ...: the tree, by instruction set; streams: "
      "the other one) against huff0 itself, in zstd's static library: 64 Ki symbols at a time, "
      "codes of at most 11 bits, tables built outside on both sides. A symbol is a byte, so "
      "Gsymbols/s are GB/s. Times huff0: the ratio to the faster of its two decoders. idx and gap "
      "are synthetic: codes of 16, 32 and 256 clusters of a pruned Gaussian (k-means from linear "
      "initialisation, 25 rounds; *: until it converged), and gaps of independent positions, by "
      "their mean. fp32 exp and uint8 are real: exponents of fp32 weights, and uint8 weights.";
  const std::vector<std::string> decoders = {"huff0 4X1", "huff0 4X2"};
  section.parts = {
      {rate_table(results, "decode", "Decoding.", decoders),
       {rate_plot(results, "decode", "Decoding", decoders)}},
      {rate_table(
           results, "encode",
           "Encoding (of the tree: with the histogram of each block, which its layout needs).",
           {"huff0"}),
       {rate_plot(results, "encode", "Encoding", {"huff0"})}},
      {general_table(results, "general",
                     "Decompression of the same symbols by general compressors, tables inside on "
                     "all sides: GB/s, and size in % of the symbols. zstd literals: frames without "
                     "matches. They have a table for every block, dcf one for each tensor, and "
                     "uint8 strings many tensors together.",
                     true),
       {}},
      {general_table(results, "general encode", "Compression, tables inside: GB/s.", false), {}}};
  return section;
}

}  // namespace dcf::bench
