// SPDX-License-Identifier: Apache-2.0
#include "cli/page/ticks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace dcf::tools::html {
namespace {

// Multiples of a step are off by rounding.
constexpr double kSlack = 1e-9;

double step_for(double range, size_t wanted) {
  const double rough = range / static_cast<double>(std::max<size_t>(wanted, 1));
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (rough <= factor * power * (1 + kSlack)) return factor * power;
  }
  return 10 * power;
}

}  // namespace

std::string tick_label(double value, double step) {
  constexpr double kThousand = 1000;
  const char* unit = "";
  if (std::abs(value) >= 10 * kThousand) {
    for (const char* const next : {"k", "M", "G", "T"}) {
      if (std::abs(value) < kThousand) break;
      value /= kThousand;
      step /= kThousand;
      unit = next;
    }
  }
  if (std::abs(value) < step * kSlack) return "0";
  const int decimals = std::max(0, static_cast<int>(-std::floor(std::log10(step) + kSlack)));
  constexpr int kMostDecimals = 6;
  if (decimals > kMostDecimals) return fmt::format("{:.3g}", value);
  return fmt::format("{:.{}f}{}", value, decimals, unit);
}

std::vector<Tick> linear_ticks(double low, double high, size_t wanted) {
  const double step = step_for(high - low, wanted);
  const double first = std::ceil(low / step - kSlack);
  const double last = std::floor(high / step + kSlack);
  std::vector<Tick> ticks;
  for (double k = first; k <= last; ++k) ticks.push_back({k * step, tick_label(k * step, step)});
  return ticks;
}

std::vector<Tick> log_ticks(double low, double high, size_t wanted) {
  const auto first = static_cast<int>(std::floor(std::log10(low) + kSlack));
  const auto last = static_cast<int>(std::ceil(std::log10(high) - kSlack));
  const bool few = last - first <= 3;
  const int stride = std::max(1, (last - first) / static_cast<int>(std::max<size_t>(wanted, 1)));
  std::vector<Tick> ticks;
  for (int power = first; power <= last; power += stride) {
    const double decade = std::pow(10, power);
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (factor != 1 && !few) continue;
      const double value = factor * decade;
      if (value < low * (1 - kSlack) || value > high * (1 + kSlack)) continue;
      ticks.push_back({value, tick_label(value, value)});
    }
  }
  return ticks.size() < 3 ? linear_ticks(low, high, wanted) : ticks;
}

}  // namespace dcf::tools::html
