// SPDX-License-Identifier: Apache-2.0
#include "encode/quality.h"

#include <algorithm>
#include <cmath>

namespace dcf::impl {

std::vector<double> allot_sqnr(double quality, std::span<const uint64_t> elements) {
  double weights = 0;
  double logarithms = 0;
  for (const uint64_t n : elements) {
    if (n == 0) continue;
    const auto size = static_cast<double>(n);
    weights += size;
    logarithms += size * std::log10(size);
  }
  const double mean = weights == 0 ? 0 : logarithms / weights;
  std::vector<double> sqnr;
  sqnr.reserve(elements.size());
  for (const uint64_t n : elements) {
    const double larger = n == 0 ? 0 : 10 * (std::log10(static_cast<double>(n)) - mean);
    sqnr.push_back(std::clamp(quality - larger, kLeastSqnr, kGreatestShare));
  }
  return sqnr;
}

double step_for(double rms, double sqnr_db) {
  return rms * std::pow(10, -sqnr_db / 20) * std::sqrt(12.0);
}

}  // namespace dcf::impl
