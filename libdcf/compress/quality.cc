// SPDX-License-Identifier: Apache-2.0
#include "compress/quality.h"

#include <algorithm>
#include <cmath>

namespace dcf::impl::compress {

std::vector<double> allot_sqnr(double quality, std::span<const uint64_t> elements,
                               std::span<const double> costs) {
  double all_costs = 0;
  for (const double cost : costs) all_costs += std::max(cost, 0.0);
  // log10 of how coarse a tensor may be, in an arbitrary unit.
  const auto coarseness = [&](size_t i) {
    const double size = std::log10(static_cast<double>(elements[i]));
    if (!(all_costs > 0)) return size;
    return size - std::log10(std::max(costs[i] / all_costs, kLeastCost));
  };
  double weights = 0;
  double logarithms = 0;
  for (size_t i = 0; i < elements.size(); ++i) {
    if (elements[i] == 0) continue;
    const auto size = static_cast<double>(elements[i]);
    weights += size;
    logarithms += size * coarseness(i);
  }
  const double mean = weights == 0 ? 0 : logarithms / weights;
  std::vector<double> sqnr;
  sqnr.reserve(elements.size());
  for (size_t i = 0; i < elements.size(); ++i) {
    const double coarser = elements[i] == 0 ? 0 : 10 * (coarseness(i) - mean);
    sqnr.push_back(std::clamp(quality - coarser, kLeastSqnr, kGreatestShare));
  }
  return sqnr;
}

double step_for(double rms, double sqnr_db) {
  return rms * std::pow(10, -sqnr_db / 20) * std::sqrt(12.0);
}

}  // namespace dcf::impl::compress
