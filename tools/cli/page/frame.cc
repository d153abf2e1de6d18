// SPDX-License-Identifier: Apache-2.0
#include "cli/page/frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/page/style.h"

namespace dcf::tools::html {
namespace {

constexpr double kRight = 16;
constexpr double kBottom = 48;
constexpr double kLineHeight = 18;
constexpr double kNameHeight = 14;  // of a line of a name below the axis
constexpr double kSwatch = 26;
constexpr size_t kTicksX = 7;
constexpr size_t kTicksY = 6;

// Pixels of a text, by the mean width of a glyph of 12 pixels.
double width_of(std::string_view text) {
  const auto glyphs = std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  });
  constexpr double kGlyph = 6.5;
  return kGlyph * static_cast<double>(glyphs);
}

bool is_number(const std::string& name) {
  return name.find_first_not_of("0123456789.,+-") == std::string::npos;
}

double widest(const std::vector<std::string>& texts) {
  double most = 0;
  for (const std::string& text : texts) most = std::max(most, width_of(text));
  return most;
}

// Lines of at most `room` pixels where that is possible, broken after spaces and hyphens.
std::vector<std::string> break_lines(std::string_view name, double room) {
  std::vector<std::string> lines(1);
  while (!name.empty()) {
    const size_t last = std::min(name.find_first_of(" -"), name.size() - 1);
    const std::string_view piece = name.substr(0, last + 1);
    name.remove_prefix(piece.size());
    const std::string_view seen = piece.substr(0, piece.find(' '));
    if (!lines.back().empty() && width_of(lines.back()) + width_of(seen) > room)
      lines.emplace_back();
    lines.back() += piece;
  }
  for (std::string& line : lines) {
    if (line.ends_with(' ')) line.pop_back();
  }
  return lines;
}

std::string text_at(double x, double y, std::string_view names, std::string_view text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"{}\">{}</text>", x, y, names,
                     escape(text));
}

std::string line_at(double x1, double y1, double x2, double y2, std::string_view names) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>",
                     x1, y1, x2, y2, names);
}

}  // namespace

bool Range::shows(double value) const {
  return std::isfinite(value) && (scale == Scale::kLinear || value > 0);
}

double Range::share(double value) const {
  if (scale == Scale::kLog) return std::log(value / low) / std::log(high / low);
  return (value - low) / (high - low);
}

std::vector<Tick> Range::ticks(size_t wanted) const {
  return scale == Scale::kLog ? log_ticks(low, high, wanted) : linear_ticks(low, high, wanted);
}

Range fit(const Axis& axis, const std::vector<double>& values) {
  const bool log = axis.scale == Scale::kLog;
  Range range{0, 0, axis.scale};
  bool any = false;
  for (const double v : values) {
    if (!range.shows(v)) continue;
    range.low = any ? std::min(range.low, v) : v;
    range.high = any ? std::max(range.high, v) : v;
    any = true;
  }
  if (!any) range = {log ? 1.0 : 0.0, log ? 10.0 : 1.0, axis.scale};
  constexpr double kMargin = 0.04;
  if (log) {
    const double more = std::max(std::pow(range.high / range.low, kMargin), 1 + kMargin);
    range.low /= more;
    range.high *= more;
  } else {
    double more = (range.high - range.low) * kMargin;
    if (more == 0) more = range.low == 0 ? 1 : std::abs(range.low) * kMargin;
    range.low -= more;
    range.high += more;
  }
  range.low = axis.low.value_or(range.low);
  range.high = axis.high.value_or(range.high);
  if (!(range.low < range.high)) range.high = log ? range.low * 10 : range.low + 1;
  return range;
}

std::string colour_class(size_t series) {
  return fmt::format("s{}", series % kSeriesColours);
}

Frame::Frame(std::string_view title, const std::vector<Key>& keys) : label_(escape(title)) {
  double baseline = kLineHeight;
  if (!title.empty()) {
    body_ += text_at(kLeft, baseline, "title", title);
    baseline += kLineHeight + 2;
  }
  double at = kLeft;
  for (const Key& key : keys) {
    const double width = kSwatch + width_of(key.name) + kLineHeight;
    if (at > kLeft && at + width > kLeft + kPlotWidth + kRight) {
      at = kLeft;
      baseline += kLineHeight;
    }
    body_ += fmt::format("<g transform=\"translate({:.1f} {:.1f})\">{}</g>", at + 10, baseline - 4,
                         key.swatch);
    body_ += text_at(at + kSwatch, baseline, "", key.name);
    at += width;
  }
  top_ = keys.empty() ? baseline - 6 : baseline + 10;
}

void Frame::y_axis(const Range& range, std::string_view title) {
  for (const Tick& tick : range.ticks(kTicksY)) {
    const double at = y(range.share(tick.value));
    body_ += line_at(x(0), at, x(1), at, "grid");
    body_ += text_at(x(0) - 6, at + 4, "soft end", tick.label);
  }
  body_ += line_at(x(0), y(0), x(0), y(1), "axis");
  body_ += fmt::format(
      "<text transform=\"translate(14 {:.1f}) rotate(-90)\" class=\"soft mid\">{}</text>\n", y(0.5),
      escape(title));
}

void Frame::x_title(std::string_view title) {
  body_ += line_at(x(0), y(0), x(1), y(0), "axis");
  body_ += text_at(x(0.5), y(0) + 38 + below_, "soft mid", title) + "\n";
}

void Frame::x_axis(const Range& range, std::string_view title) {
  for (const Tick& tick : range.ticks(kTicksX)) {
    const double at = x(range.share(tick.value));
    body_ += line_at(at, y(0), at, y(1), "grid");
    body_ += text_at(at, y(0) + 17, "soft mid", tick.label);
  }
  x_title(title);
}

void Frame::name_at(double middle, const std::vector<std::string>& lines) {
  for (size_t i = 0; i < lines.size(); ++i) {
    const double down = kNameHeight * static_cast<double>(i);
    body_ += text_at(x(middle), y(0) + 17 + down, "soft mid", lines[i]);
    below_ = std::max(below_, down);
  }
}

void Frame::upright_name_at(double middle, std::string_view name) {
  body_ += fmt::format(
      "<text transform=\"translate({:.1f} {:.1f}) rotate(-90)\" class=\"soft end\">{}</text>",
      x(middle) + 4, y(0) + 6, escape(name));
  below_ = std::max(below_, width_of(name) - kNameHeight);
}

void Frame::x_names(const std::vector<std::string>& names, std::string_view title) {
  constexpr double kSpace = 8;
  const double part = kPlotWidth / static_cast<double>(std::max<size_t>(names.size(), 1));
  const double room = part - kSpace;
  const bool numbers = std::all_of(names.begin(), names.end(), is_number);
  std::vector<std::vector<std::string>> lines;
  double line = 0;  // the longest
  for (const std::string& name : names) {
    lines.push_back(numbers ? std::vector<std::string>{name} : break_lines(name, room));
    line = std::max(line, widest(lines.back()));
  }
  const bool upright = !numbers && line > room;
  const double width = upright ? kNameHeight : numbers ? line + kSpace : part;
  const auto stride = std::max<size_t>(static_cast<size_t>(std::ceil(width / part)), 1);
  for (size_t i = 0; i < names.size(); i += stride) {
    const double middle = (static_cast<double>(i) + 0.5) / static_cast<double>(names.size());
    if (upright) {
      upright_name_at(middle, names[i]);
    } else {
      name_at(middle, lines[i]);
    }
  }
  x_title(title);
}

void Frame::inside(const std::string& markup) {
  // An inner svg cuts off without needing an id, which would have to be unique in the page.
  body_ += fmt::format(
      "<svg x=\"{0:.1f}\" y=\"{1:.1f}\" width=\"{2:.1f}\" height=\"{3:.1f}\" "
      "viewBox=\"{0:.1f} {1:.1f} {2:.1f} {3:.1f}\" overflow=\"hidden\">{4}</svg>\n",
      x(0), y(1), kPlotWidth, kPlotHeight, markup);
}

Markup Frame::finish() const {
  const double width = kLeft + kPlotWidth + kRight;
  const double height = top_ + kPlotHeight + kBottom + below_;
  return {fmt::format(
      "<svg class=\"plot\" viewBox=\"0 0 {0:.0f} {1:.0f}\" style=\"max-width:{0:.0f}px\" "
      "role=\"img\" aria-label=\"{2}\">{3}</svg>\n",
      width, height, label_, body_)};
}

}  // namespace dcf::tools::html
