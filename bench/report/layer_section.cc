// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "report/section.h"

namespace dcf::bench {
namespace {

constexpr const char* kOwn = "dcf";

const std::vector<std::string> kSparse = {"CSR", "Eigen"};
const std::vector<std::string> kDirect = {"direct"};

// One column of ratios: of the best of these peers.
struct Against {
  std::string title;
  std::vector<std::string> peers;
};

// What was timed, the layer first.
std::vector<std::string> time_columns(const Results& results, const std::string& table) {
  std::vector<std::string> columns = results.columns(table);
  std::erase(columns, kOwn);
  std::erase(columns, "kernel");
  columns.insert(columns.begin(), kOwn);
  return columns;
}

html::Table time_table(const Results& results, const std::string& table, const std::string& caption,
                       const std::vector<Against>& against) {
  html::Table out{caption, {{"layer", "", false}}, {}};
  const std::vector<std::string> columns = time_columns(results, table);
  for (const Against& a : against) out.columns.push_back({a.title, "times"});
  for (const std::string& column : columns) {
    out.columns.push_back({column, "us", true, !column.starts_with(kOwn)});
  }
  out.columns.push_back({"kernel", "", false});
  std::vector<std::vector<std::optional<double>>> ratios(against.size());
  for (const std::string& row : results.rows(table)) {
    html::Row line{{row}};
    const auto own = results.time(table, row, kOwn);
    for (size_t i = 0; i < against.size(); ++i) {
      const auto peer = results.best(table, row, against[i].peers);
      ratios[i].push_back(speedup(peer, own));
      line.cells.push_back(ratio(peer, own));
    }
    for (const std::string& column : columns) {
      const auto time = results.time(table, row, column);
      line.cells.push_back(time ? number(time->cpu / kMicro) : "-");
    }
    line.cells.push_back(results.text(table, row, "kernel"));
    out.rows.push_back(std::move(line));
  }
  html::Row mean{{"geometric mean"}, true};
  for (const auto& column : ratios) mean.cells.push_back(times(geometric_mean(column)));
  mean.cells.resize(out.columns.size());
  out.rows.push_back(std::move(mean));
  return out;
}

// How many times the speed of `reference` each column has.
html::Markup speedup_plot(const Results& results, const std::string& table,
                          const std::string& title, const std::string& reference) {
  html::BarPlot plot;
  plot.title = title;
  plot.y.title = "times the speed of " + reference;
  const std::vector<std::string> rows = results.rows(table);
  for (const std::string& row : rows) {
    // Names of convolutions are as long as they are many; they differ without the network's too.
    plot.labels.push_back(table == "conv" ? row.substr(row.find(' ') + 1) : row);
  }
  for (const std::string& column : time_columns(results, table)) {
    const bool is_variant = column != kOwn && column.starts_with(kOwn);
    if (column == reference || is_variant) continue;
    html::BarSeries series{column, {}};
    for (const std::string& row : rows) {
      series.values.push_back(
          speedup(results.time(table, row, reference), results.time(table, row, column))
              .value_or(0));
    }
    plot.series.push_back(std::move(series));
  }
  return html::draw(plot);
}

std::string upper_first(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

}  // namespace

Section layer_section(const Results& results) {
  Section section{"Products with layers", "", {}};
  if (!results.has("batch 1") && !results.has("conv")) return section;
  section.text =
      "Fully connected layers and convolutions of AlexNet's and VGG-16's shapes at the paper's "
      "densities (9, 9, 25, 4, 4, 23 % with 32 clusters; 38, 35, 37, 37, 53, 24, 27, 35 % with "
      "255); "
      "weights are synthetic. Times are those of a whole call, for the whole batch; one thread; "
      "layers prepared outside. ReLU inputs: 35.1, 35.3, 37.5, 18.3, 37.5, 41.1 % are not zero, as "
      "dcf is told where it prepares. "
      "oneDNN, XNNPACK and direct convolution have their weights packed in advance, and direct "
      "convolution its images in its own layout too. dcf dense: the library's own dense product; "
      "dcf "
      "matvec: from the compressed tensor, at every call.";
  for (const std::string inputs : {"batch ", "relu "}) {
    for (const std::string batch : {"1", "8", "64"}) {
      const std::string table = inputs + batch;
      if (!results.has(table)) continue;
      const std::string title =
          "batch " + batch + (inputs == "relu " ? ", ReLU inputs" : ", dense inputs");
      section.parts.push_back(
          {time_table(
               results, table, upper_first(title) + ".",
               {{"OpenBLAS", {"OpenBLAS"}}, {"best dense", kDense}, {"best sparse", kSparse}}),
           {speedup_plot(results, table, upper_first(title), "OpenBLAS")}});
    }
  }
  if (results.has("conv")) {
    section.parts.push_back(
        {time_table(
             results, "conv",
             "Convolutions of one image, im2col and packing of the image included. OpenBLAS and "
             "oneDNN: im2col and a dense product; direct: oneDNN's direct convolution.",
             {{"OpenBLAS", {"OpenBLAS"}}, {"best im2col", kGemm}, {"direct", kDirect}}),
         {speedup_plot(results, "conv", "Convolutions", "OpenBLAS")}});
  }
  return section;
}

}  // namespace dcf::bench
