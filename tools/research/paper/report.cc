// SPDX-License-Identifier: Apache-2.0
#include "research/paper/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "cli/page/plot.h"

namespace dcf::tools {
namespace {

using html::BarPlot;
using html::Page;
using html::Row;
using html::Table;

// "1.62 (1.58 to 1.66)"
std::string mean_and_spread(const std::vector<SeedResult>& seeds, int decimals,
                            const std::function<double(const SeedResult&)>& value) {
  double sum = 0;
  double low = value(seeds.front());
  double high = low;
  for (const SeedResult& seed : seeds) {
    const double v = value(seed);
    sum += v;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  const std::string mean =
      fmt::format("{:.{}f}", sum / static_cast<double>(seeds.size()), decimals);
  if (seeds.size() == 1) return mean;
  return mean + fmt::format(" ({:.{}f} to {:.{}f})", low, decimals, high, decimals);
}

void add_totals(const Report& report, Page* page) {
  page->heading("Table 1: error and size");
  std::string caption = fmt::format(
      "Means of all seeds, and in brackets the least and the greatest. Ours: error "
      "on the test images in folder {}, computed from the compressed file; sizes are "
      "whole files, 1 kB is 1000 bytes. The paper's errors are on MNIST.",
      report.data);
  for (const TrainedNet& net : report.trained) {
    if (net.paper->stands_for.empty()) continue;
    caption += fmt::format(
        " {} is not in the paper: it stands here for the linear layers of {}, which cannot be "
        "trained on such data.",
        net.paper->title, net.paper->stands_for);
  }
  Table table{caption,
              {{"network", "", false},
               {"seeds"},
               {"ours", "dense error, %"},
               {"paper", "dense error, %", true, true},
               {"ours", "compressed error, %"},
               {"paper", "compressed error, %", true, true},
               {"ours", "size, kB"},
               {"paper", "size, kB", true, true},
               {"ours", "times smaller"},
               {"paper", "times smaller", true, true}},
              {}};
  for (const TrainedNet& net : report.trained) {
    const auto dense = static_cast<double>(net.measure.dense_bytes);
    const PaperNet& paper = *net.paper;
    table.rows.push_back(
        {{std::string(paper.title), std::to_string(net.seeds.size()),
          mean_and_spread(net.seeds, 2, [](const SeedResult& s) { return s.dense_error; }),
          text_of(paper.dense_error, 2),
          mean_and_spread(net.seeds, 2, [](const SeedResult& s) { return s.error; }),
          text_of(paper.coded_error, 2),
          mean_and_spread(
              net.seeds, 1,
              [](const SeedResult& s) { return 1e-3 * static_cast<double>(s.file_bytes); }),
          text_of(paper.coded_kb, 0),
          mean_and_spread(
              net.seeds, 1,
              [&](const SeedResult& s) { return dense / static_cast<double>(s.file_bytes); }),
          text_of(paper.rate, 0)}});
  }
  page->table(table);
  Table seeds{"The same, seed by seed. No seed was chosen by its result.",
              {{"network", "", false},
               {"seed"},
               {"dense error, %"},
               {"compressed error, %"},
               {"bytes"},
               {"times smaller"}},
              {}};
  for (const TrainedNet& net : report.trained) {
    for (const SeedResult& s : net.seeds) {
      seeds.rows.push_back({{std::string(net.paper->title), std::to_string(s.seed),
                             fmt::format("{:.2f}", s.dense_error), fmt::format("{:.2f}", s.error),
                             std::to_string(s.file_bytes),
                             fmt::format("{:.1f}", static_cast<double>(net.measure.dense_bytes) /
                                                       static_cast<double>(s.file_bytes))}});
    }
  }
  page->table(seeds);
}

struct Parts {
  std::string name;
  std::vector<uint64_t> bytes;
};

Parts parts_of(const std::string& name, const NetMeasure& measure) {
  Parts parts{name, {0, 0, 0, 0, measure.other_bytes()}};
  for (const LayerMeasure& layer : measure.layers) {
    parts.bytes[0] += layer.bytes.values;
    parts.bytes[1] += layer.bytes.positions;
    parts.bytes[2] += layer.bytes.codebook;
    parts.bytes[3] += layer.bytes.tables;
  }
  return parts;
}

void add_storage(const Report& report, Page* page) {
  page->heading("Where the bytes are");
  std::vector<Parts> all;
  bool synthetic = false;
  for (const TrainedNet& net : report.trained) {
    all.push_back(parts_of(std::string(net.paper->title), net.measure));
  }
  for (const LargeNet& net : report.large) {
    synthetic = synthetic || net.origin.empty();
    all.push_back(parts_of(
        std::string(net.paper->title) + (net.origin.empty() ? " (synthetic)" : ""), net.measure));
  }
  const std::vector<std::string> names = {"weights", "positions", "codebooks", "code tables",
                                          "biases, header, manifest"};
  BarPlot plot{"Shares of the file",
               "",
               {"percent of the file", html::Scale::kLinear, 0, 100},
               {},
               {},
               true};
  for (const std::string& name : names) plot.series.push_back({name, {}});
  Table table{synthetic
                  ? "Bytes of each part. Synthetic: random weights in the shapes of the network."
                  : "Bytes of each part.",
              {{"network", "", false}},
              {}};
  for (const std::string& name : names) table.columns.push_back({name});
  table.columns.push_back({"file"});
  for (const Parts& parts : all) {
    uint64_t sum = 0;
    for (const uint64_t b : parts.bytes) sum += b;
    plot.labels.push_back(parts.name);
    Row row{{parts.name}};
    for (size_t i = 0; i < names.size(); ++i) {
      plot.series[i].values.push_back(100 * static_cast<double>(parts.bytes[i]) /
                                      static_cast<double>(std::max<uint64_t>(sum, 1)));
      row.cells.push_back(std::to_string(parts.bytes[i]));
    }
    row.cells.push_back(std::to_string(sum));
    table.rows.push_back(row);
  }
  page->figure(draw(plot),
               synthetic
                   ? "Weights and positions after Huffman coding. Networks marked as synthetic "
                     "hold random weights in their shapes."
                   : "Weights and positions after Huffman coding.");
  page->table(table);
}

}  // namespace

std::string text_of(const std::optional<double>& value, int decimals) {
  return value ? fmt::format("{:.{}f}", *value, decimals) : "\u2013";
}

std::string render_report(const Report& report) {
  Page page("Deep Compression, reproduced",
            "Pruning, weight sharing and Huffman coding after Han, Mao, Dally: Deep Compression, "
            "ICLR 2016. Columns named ours were measured by this program; those named paper are "
            "quoted. Recipe " +
                report.recipe + ", images of folder " + report.data + ".");
  add_totals(report, &page);
  for (const TrainedNet& net : report.trained) add_networks(net, &page);
  for (const LargeNet& net : report.large) add_large_network(net, &page);
  add_storage(report, &page);
  return page.finish();
}

}  // namespace dcf::tools
