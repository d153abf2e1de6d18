// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/page/frame.h"

namespace dcf::tools::html {

Markup draw(const Histogram& histogram) {
  const Range x = fit(histogram.x, histogram.values);
  const size_t bins = std::max<size_t>(histogram.bins, 1);
  std::vector<double> counts(bins);
  for (const double value : histogram.values) {
    if (!(value >= x.low && value <= x.high)) continue;
    const auto bin = static_cast<size_t>(x.share(value) * static_cast<double>(bins));
    ++counts[std::min(bin, bins - 1)];
  }
  const Range y = fit({histogram.y_title, Scale::kLinear, 0, {}},
                      {0, *std::max_element(counts.begin(), counts.end())});
  Frame frame(histogram.title, {});
  frame.y_axis(y, histogram.y_title);
  const double width = 1 / static_cast<double>(bins);
  std::string bars;
  for (size_t i = 0; i < bins; ++i) {
    const double left = static_cast<double>(i) * width;
    const double top = frame.y(y.share(counts[i]));
    bars += fmt::format(
        "<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" class=\"fill s0\">"
        "<title>{:.4g} to {:.4g}: {:.0f}</title></rect>\n",
        frame.x(left), top, width * Frame::kPlotWidth, frame.y(0) - top,
        x.low + left * (x.high - x.low), x.low + (left + width) * (x.high - x.low), counts[i]);
  }
  frame.inside(bars);
  frame.x_axis(x, histogram.x.title);
  return frame.finish();
}

}  // namespace dcf::tools::html
