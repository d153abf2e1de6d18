// SPDX-License-Identifier: Apache-2.0
// Plots as inline SVG, in the colours of the page's style sheet.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/page/escape.h"

namespace dcf::tools::html {

enum class Scale { kLinear, kLog };

struct Axis {
  std::string title;
  Scale scale = Scale::kLinear;
  // Ends of the axis; where they are not given, those of the data. What lies beyond is cut off.
  std::optional<double> low;
  std::optional<double> high;
};

struct Point {
  double x;
  double y;
};

struct Series {
  std::string name;
  std::vector<Point> points;  // those not finite, or not positive on a log axis, are left out
  bool line = true;
  bool marks = true;
  bool dashed = false;
};

struct LinePlot {
  std::string title;
  Axis x;
  Axis y;
  std::vector<Series> series;
};
Markup draw(const LinePlot& plot);

struct BarSeries {
  std::string name;
  std::vector<double> values;  // one per label; what is not finite or below 0 counts as 0
};

struct BarPlot {
  std::string title;
  std::string x_title;
  Axis y;                           // linear, from 0
  std::vector<std::string> labels;  // of the groups; of too many numbers some are left out
  std::vector<BarSeries> series;
  bool stacked = false;  // on one another instead of side by side
};
// Throws std::logic_error where a series has not one value per label.
Markup draw(const BarPlot& plot);

// A bar for each value, labelled with its index.
BarPlot indexed_bars(std::string title, std::string x_title, std::string y_title,
                     std::vector<double> values);

// How many of `values` lie in each of `bins` equal parts of the x axis.
struct Histogram {
  std::string title;
  Axis x;  // linear
  std::string y_title;
  std::vector<double> values;  // what is not finite is left out
  size_t bins = 40;
};
Markup draw(const Histogram& histogram);

}  // namespace dcf::tools::html
