// SPDX-License-Identifier: Apache-2.0
// What all plots have in common: title, legend, axes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/page/plot.h"
#include "cli/page/ticks.h"

namespace dcf::tools::html {

// The values along an axis, low < high.
struct Range {
  double low;
  double high;
  Scale scale;

  bool shows(double value) const;    // finite, and positive on a log scale
  double share(double value) const;  // 0 at low, 1 at high
  std::vector<Tick> ticks(size_t wanted) const;
};

// The ends of the axis where it has them, else those of the values it can show, and a little more.
Range fit(const Axis& axis, const std::vector<double>& values);

struct Key {
  std::string name;
  std::string swatch;  // markup around the origin, 20 wide and 12 high
};

// "s0", "s1", ... in turn.
std::string colour_class(size_t series);

class Frame {
 public:
  Frame(std::string_view title, const std::vector<Key>& keys);

  // Pixels of a place inside the axes, from shares between 0 and 1.
  double x(double share) const { return kLeft + share * kPlotWidth; }
  double y(double share) const { return top_ + (1 - share) * kPlotHeight; }

  void y_axis(const Range& range, std::string_view title);
  void x_axis(const Range& range, std::string_view title);
  // Names below the middles of equal parts. Words are all shown: in lines where they are too wide,
  // or else upright. Of numbers some are left out.
  void x_names(const std::vector<std::string>& names, std::string_view title);
  // Markup in pixels of the whole plot, cut off outside the axes.
  void inside(const std::string& markup);

  Markup finish() const;

  static constexpr double kPlotWidth = 480;
  static constexpr double kPlotHeight = 270;

 private:
  static constexpr double kLeft = 64;
  void x_title(std::string_view title);
  void name_at(double middle, const std::vector<std::string>& lines);
  void upright_name_at(double middle, std::string_view name);

  std::string label_;
  double top_ = 0;
  double below_ = 0;  // what names below the axis take more than one line
  std::string body_;
};

}  // namespace dcf::tools::html
