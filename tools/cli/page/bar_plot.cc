// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "cli/page/frame.h"

namespace dcf::tools::html {
namespace {

double height_of(double value) {
  return std::isfinite(value) ? std::max(value, 0.0) : 0;
}

double highest(const BarPlot& plot) {
  double most = 0;
  for (size_t group = 0; group < plot.labels.size(); ++group) {
    double sum = 0;
    for (const BarSeries& series : plot.series) {
      const double height = height_of(series.values[group]);
      sum = plot.stacked ? sum + height : std::max(sum, height);
    }
    most = std::max(most, sum);
  }
  return most;
}

}  // namespace

Markup draw(const BarPlot& plot) {
  std::vector<Key> keys;
  for (size_t i = 0; i < plot.series.size(); ++i) {
    if (plot.series[i].values.size() != plot.labels.size()) {
      throw std::logic_error("html plot: a series of the wrong length");
    }
    keys.push_back(
        {plot.series[i].name, fmt::format("<rect x=\"-6\" y=\"-6\" width=\"12\" height=\"12\" "
                                          "class=\"fill {}\"/>",
                                          colour_class(i))});
  }
  if (keys.size() == 1 && keys[0].name.empty()) keys.clear();
  Axis axis = plot.y;
  axis.low = 0;
  const Range y = fit(axis, {0, highest(plot)});
  Frame frame(plot.title, keys);
  frame.y_axis(y, plot.y.title);
  constexpr double kGap = 0.2;  // between groups, of a group's width
  const double group_width = 1 / static_cast<double>(std::max<size_t>(plot.labels.size(), 1));
  const double side_by_side = plot.stacked ? 1 : static_cast<double>(plot.series.size());
  const double width = group_width * (1 - kGap) / side_by_side;
  std::string bars;
  for (size_t group = 0; group < plot.labels.size(); ++group) {
    double at = (static_cast<double>(group) + kGap / 2) * group_width;
    double base = 0;
    for (size_t i = 0; i < plot.series.size(); ++i) {
      const double height = height_of(plot.series[i].values[group]);
      const std::string hint =
          fmt::format("{} {}: {:.4g}", plot.labels[group], plot.series[i].name, height);
      const double top = frame.y(y.share(base + height));
      bars += fmt::format(
          "<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" class=\"fill {}\">"
          "<title>{}</title></rect>\n",
          frame.x(at), top, width * Frame::kPlotWidth, frame.y(y.share(base)) - top,
          colour_class(i), escape(hint));
      if (plot.stacked) {
        base += height;
      } else {
        at += width;
      }
    }
  }
  frame.inside(bars);
  frame.x_names(plot.labels, plot.x_title);
  return frame.finish();
}

BarPlot indexed_bars(std::string title, std::string x_title, std::string y_title,
                     std::vector<double> values) {
  BarPlot plot{std::move(title), std::move(x_title), {std::move(y_title)}, {}, {}};
  for (size_t i = 0; i < values.size(); ++i) plot.labels.push_back(std::to_string(i));
  plot.series.push_back({"", std::move(values)});
  return plot;
}

}  // namespace dcf::tools::html
