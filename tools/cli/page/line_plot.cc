// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/page/frame.h"

namespace dcf::tools::html {
namespace {

// A shape of its own for every series, for readers who do not see the colours. `inner` may hold a
// title that is shown while the pointer rests on the mark.
std::string mark(size_t series, double x, double y, const std::string& inner) {
  const std::string common =
      fmt::format("class=\"fill mark\" transform=\"translate({:.1f} {:.1f})\"", x, y);
  switch (series % 4) {
    case 0:
      return fmt::format("<circle r=\"4\" {}>{}</circle>", common, inner);
    case 1:
      return fmt::format("<rect x=\"-3.6\" y=\"-3.6\" width=\"7.2\" height=\"7.2\" {}>{}</rect>",
                         common, inner);
    case 2:
      return fmt::format("<path d=\"M0-4.8 4.4 3.4H-4.4Z\" {}>{}</path>", common, inner);
    default:
      return fmt::format("<path d=\"M0-5 4.6 0 0 5-4.6 0Z\" {}>{}</path>", common, inner);
  }
}

const char* line_class(const Series& series) {
  return series.dashed ? "line dash" : "line";
}

Key key_of(const Series& series, size_t i) {
  std::string swatch = fmt::format("<g class=\"{}\">", colour_class(i));
  if (series.line)
    swatch += fmt::format("<path d=\"M-10 0H10\" class=\"{}\"/>", line_class(series));
  if (series.marks) swatch += mark(i, 0, 0, "");
  return {series.name, swatch + "</g>"};
}

}  // namespace

Markup draw(const LinePlot& plot) {
  std::vector<Key> keys;
  std::vector<double> xs;
  std::vector<double> ys;
  for (size_t i = 0; i < plot.series.size(); ++i) {
    keys.push_back(key_of(plot.series[i], i));
    for (const Point& p : plot.series[i].points) {
      xs.push_back(p.x);
      ys.push_back(p.y);
    }
  }
  const Range x = fit(plot.x, xs);
  const Range y = fit(plot.y, ys);
  Frame frame(plot.title, keys);
  frame.y_axis(y, plot.y.title);
  frame.x_axis(x, plot.x.title);
  std::string lines;
  std::string marks;
  for (size_t i = 0; i < plot.series.size(); ++i) {
    const Series& series = plot.series[i];
    std::string path;
    marks += fmt::format("<g class=\"{}\">", colour_class(i));
    for (const Point& p : series.points) {
      if (!x.shows(p.x) || !y.shows(p.y)) continue;
      const double px = frame.x(x.share(p.x));
      const double py = frame.y(y.share(p.y));
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", px, py);
      if (!series.marks) continue;
      const std::string hint = fmt::format("{}: {:.4g}, {:.4g}", series.name, p.x, p.y);
      marks += mark(i, px, py, "<title>" + escape(hint) + "</title>");
    }
    marks += "</g>\n";
    if (series.line && !path.empty()) {
      lines += fmt::format("<path d=\"{}\" class=\"{} {}\"/>\n", path, line_class(series),
                           colour_class(i));
    }
  }
  frame.inside(lines + marks);
  return frame.finish();
}

}  // namespace dcf::tools::html
