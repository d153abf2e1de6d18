// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "cli/page/plot.h"
#include "research/paper/report.h"

namespace dcf::tools {
namespace {

using html::BarPlot;
using html::LinePlot;
using html::Markup;
using html::Page;
using html::Scale;
using html::Table;

std::string short_name(const std::string& tensor) {
  return tensor.ends_with(".weight") ? tensor.substr(0, tensor.rfind('.')) : tensor;
}

Markup symbols_plot(const std::string& title, const std::string& axis,
                    const std::vector<uint64_t>& counts) {
  return draw(html::indexed_bars(title, axis, "entries", {counts.begin(), counts.end()}));
}

void add_symbols(const TrainedNet& net, Page* page) {
  page->subheading("Codes and gaps before Huffman coding");
  std::vector<Markup> plots;
  for (const LayerMeasure& layer : net.measure.layers) {
    const std::string name = short_name(layer.name);
    if (!layer.counts.codes.empty()) {
      plots.push_back(
          symbols_plot(name + ": codes", "index into the codebook", layer.counts.codes));
    }
    if (!layer.counts.gaps.empty())
      plots.push_back(symbols_plot(name + ": gaps", "zeros skipped", layer.counts.gaps));
  }
  page->figures(
      plots,
      "Both are far from even, which is what Huffman coding gains from. The codebook rises "
      "with its index; index 0 is that of padding entries, which stand where a gap is wider "
      "than the greatest.");
}

void add_curves(const TrainedNet& net, Page* page) {
  if (net.curves.empty()) return;
  page->subheading("Error against size");
  LinePlot plot{std::string(net.paper->title),
                {"size, percent of float32", Scale::kLog},
                {"validation error, %", Scale::kLog},
                {}};
  for (const Curve& curve : net.curves) {
    html::Series series{curve.name, {}};
    for (const CurvePoint& p : curve.points) series.points.push_back({p.percent, p.error});
    plot.series.push_back(series);
  }
  constexpr double kLeast = 0.1;
  plot.series.push_back({"dense",
                         {{kLeast, net.dense_validation_error}, {100, net.dense_validation_error}},
                         true,
                         false,
                         true});
  plot.x.high = 100;
  double least = 100;
  for (const Curve& curve : net.curves) {
    for (const CurvePoint& p : curve.points) least = std::min(least, p.percent);
  }
  plot.x.low = std::max(kLeast, least * 0.8);
  page->figure(
      draw(plot),
      "Sizes are whole files as the library codes them: pruned weights as float32 at gap "
      "positions, shared weights of unpruned layers as dense codes, both as in the paper; of "
      "SVD the float32 factors. Pruned nets are retrained, for at most a fifth of the recipe's "
      "epochs, shared ones fine-tuned for one; SVD is not trained after. Both scales are "
      "logarithmic. "
      "Error on images held out of "
      "the training set.");
}

void add_inits(const TrainedNet& net, Page* page) {
  if (net.inits.empty()) return;
  page->subheading("Where centroids start");
  std::vector<Markup> plots;
  for (const bool tuned : {false, true}) {
    LinePlot plot{tuned ? "after fine-tuning" : "after clustering",
                  {"bits per weight"},
                  {"validation error, %", tuned ? Scale::kLinear : Scale::kLog},
                  {}};
    for (const InitCurve& curve : net.inits) {
      html::Series series{curve.name, {}};
      for (const InitPoint& p : curve.points) {
        const std::optional<double> error = tuned ? p.finetuned : p.clustered;
        if (error) series.points.push_back({static_cast<double>(p.bits), *error});
      }
      if (!series.points.empty()) plot.series.push_back(series);
    }
    if (!plot.series.empty()) plots.push_back(draw(plot));
  }
  page->figures(plots,
                "The three initialisations of k-means on a net pruned and retrained for at most a "
                "fifth of the "
                "recipe's epochs, with as many bits in every layer. The scale after clustering is "
                "logarithmic. Error on images held "
                "out of the training set.");
}

}  // namespace

void add_layer_table(const PaperNet& paper, const NetMeasure& measure, const std::string& caption,
                     Page* page) {
  Table table{caption,
              {{"layer", "", false},
               {"weights"},
               {"ours", "kept, %"},
               {"paper", "kept, %", true, true},
               {"ours", "weight bits"},
               {"paper", "weight bits", true, true},
               {"ours", "after Huffman"},
               {"paper", "after Huffman", true, true},
               {"ours", "gap bits"},
               {"paper", "gap bits", true, true},
               {"ours", "gaps after Huffman"},
               {"paper", "gaps after Huffman", true, true},
               {"ours", "size, % of float32"},
               {"paper", "size, % of float32", true, true}},
              {}};
  uint64_t weights = 0;
  uint64_t kept = 0;
  for (size_t i = 0; i < measure.layers.size(); ++i) {
    const LayerMeasure& ours = measure.layers[i];
    weights += ours.weights;
    kept += ours.kept;
    const PaperLayer* const theirs = i < paper.layers.size() ? &paper.layers[i] : nullptr;
    const bool foreign = theirs != nullptr && !paper.stands_for.empty();
    const auto quoted = [&](auto member, int decimals) {
      return theirs == nullptr ? text_of({}, 0)
                               : text_of(std::optional<double>(member(*theirs)), decimals);
    };
    table.rows.push_back(
        {{foreign ? fmt::format("{} ({})", short_name(ours.name), theirs->name)
                  : short_name(ours.name),
          std::to_string(ours.weights), fmt::format("{:.1f}", ours.kept_percent()),
          quoted([](const PaperLayer& l) { return l.kept; }, 0),
          fmt::format("{:.0f}", ours.weight_bits()),
          quoted([](const PaperLayer& l) { return static_cast<double>(l.weight_bits); }, 0),
          fmt::format("{:.1f}", ours.weight_bits_coded()),
          quoted([](const PaperLayer& l) { return l.weight_bits_coded; }, 1),
          ours.gap_bits == 0 ? text_of({}, 0) : std::to_string(ours.gap_bits),
          quoted([](const PaperLayer& l) { return static_cast<double>(l.index_bits); }, 0),
          fmt::format("{:.1f}", ours.index_bits_coded()),
          quoted([](const PaperLayer& l) { return l.index_bits_coded; }, 1),
          fmt::format("{:.2f}", ours.rate()),
          quoted([](const PaperLayer& l) { return l.rate; }, 2)}});
  }
  html::Row total{{"whole file", std::to_string(weights),
                   fmt::format("{:.1f}", 100 * static_cast<double>(kept) /
                                             static_cast<double>(std::max<uint64_t>(weights, 1)))},
                  true};
  total.cells.resize(table.columns.size());
  total.cells[12] = fmt::format("{:.2f}", 100 * static_cast<double>(measure.file_bytes) /
                                              static_cast<double>(measure.dense_bytes));
  if (paper.coded_kb && paper.dense_kb) {
    total.cells[13] = text_of(100 * *paper.coded_kb / *paper.dense_kb, 2);
  } else {
    total.cells[13] = text_of({}, 0);
  }
  table.rows.push_back(total);
  page->table(table);
}

void add_networks(const TrainedNet& net, Page* page) {
  page->heading(std::string(net.paper->title));
  page->subheading("Layer by layer");
  std::string caption = fmt::format(
      "Seed {}. Bits after Huffman are per stored entry, padding entries "
      "included; gaps include the counts of entries per row. The whole file "
      "holds biases, codebooks and everything else too.",
      net.seeds.front().seed);
  if (!net.paper->stands_for.empty()) {
    caption += fmt::format(
        " The paper has no such network: beside it stand the layers of {} that are named in "
        "brackets, which have other shapes and were trained on other data.",
        net.paper->stands_for);
  }
  add_layer_table(*net.paper, net.measure, caption, page);
  add_symbols(net, page);
  add_curves(net, page);
  add_inits(net, page);
}

void add_large_network(const LargeNet& net, Page* page) {
  const std::string title(net.paper->title);
  const bool synthetic = net.origin.empty();
  page->heading(synthetic ? title + ": its layers, synthetic" : title + ": " + net.origin);
  add_layer_table(
      *net.paper, net.measure,
      synthetic
          ? "Synthetic weights, not " + title +
                "'s: Gaussian, in its shapes, pruned to the paper's densities and shared among the "
                "paper's numbers of clusters. Their positions are independent; those of trained "
                "nets "
                "are not, and their gaps take fewer bits. No accuracy can be measured."
          : "Weights of " + net.origin +
                ", pruned to the paper's densities and shared among the paper's numbers of "
                "clusters, "
                "without the paper's retraining.",
      page);
  if (net.score_before && net.score_after) {
    page->paragraph(fmt::format("The given command's score: {} before, {} after.",
                                *net.score_before, *net.score_after));
  }
}

}  // namespace dcf::tools
