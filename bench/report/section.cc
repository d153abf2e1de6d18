// SPDX-License-Identifier: Apache-2.0
#include "report/section.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness.h"

namespace dcf::bench {
namespace {

// Wall and CPU time that differ by less say the same.
constexpr double kSameRatio = 0.05;

std::optional<double> speedup_in(std::vector<double> Time::*rounds, const std::optional<Time>& peer,
                                 const std::optional<Time>& ours) {
  if (!peer || !ours) return std::nullopt;
  const std::vector<double>& theirs = (*peer).*rounds;
  const std::vector<double>& own = (*ours).*rounds;
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(theirs.size(), own.size()); ++i) {
    ratios.push_back(theirs[i] / own[i]);
  }
  return median(std::move(ratios)) * ours->items / peer->items;
}

std::string title_of(const html::Column& column) {
  return column.group.empty() ? column.title : column.group + ": " + column.title;
}

}  // namespace

std::string number(std::optional<double> value) {
  if (!value || !std::isfinite(*value)) return "-";
  const double size = std::abs(*value);
  if (size >= 99.95) return fmt::format("{:.0f}", *value);
  if (size >= 9.995) return fmt::format("{:.1f}", *value);
  if (size >= 0.0995 || size == 0) return fmt::format("{:.2f}", *value);
  return fmt::format("{:.2g}", *value);
}

std::string times(std::optional<double> value) {
  return value ? number(value) + "x" : "-";
}

std::optional<double> speedup(const std::optional<Time>& peer, const std::optional<Time>& ours) {
  return speedup_in(&Time::cpu_rounds, peer, ours);
}

std::optional<double> wall_speedup(const std::optional<Time>& peer,
                                   const std::optional<Time>& ours) {
  return speedup_in(&Time::wall_rounds, peer, ours);
}

std::string ratio(const std::optional<Time>& peer, const std::optional<Time>& ours) {
  const std::optional<double> by_cpu = speedup(peer, ours);
  if (!by_cpu) return "-";
  const std::optional<double> by_wall = wall_speedup(peer, ours);
  if (std::abs(*by_wall / *by_cpu - 1) < kSameRatio) return times(by_cpu);
  return fmt::format("{} (wall {})", times(by_cpu), times(by_wall));
}

std::optional<double> geometric_mean(const std::vector<std::optional<double>>& values) {
  double sum = 0;
  size_t count = 0;
  for (const std::optional<double>& value : values) {
    if (!value) continue;
    sum += std::log(*value);
    ++count;
  }
  if (count == 0) return std::nullopt;
  return std::exp(sum / static_cast<double>(count));
}

std::string to_markdown(const html::Table& table) {
  std::string text;
  if (!table.caption.empty()) text += table.caption + "\n\n";
  std::string rule;
  for (const html::Column& column : table.columns) {
    text += "| " + title_of(column) + " ";
    rule += column.number ? "|---:" : "|:---";
  }
  text += "|\n" + rule + "|\n";
  for (const html::Row& row : table.rows) {
    for (const std::string& cell : row.cells) {
      text += row.total && !cell.empty() ? "| **" + cell + "** " : "| " + cell + " ";
    }
    text += "|\n";
  }
  return text + "\n";
}

std::string to_markdown(const Section& section) {
  std::string text = "## " + section.title + "\n\n" + section.text + "\n\n";
  for (const Part& part : section.parts) text += to_markdown(part.table);
  return text;
}

}  // namespace dcf::bench
