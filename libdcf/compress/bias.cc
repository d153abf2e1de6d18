// SPDX-License-Identifier: Apache-2.0
#include "compress/bias.h"

#include <algorithm>
#include <cmath>

namespace dcf::impl::compress {
namespace {

constexpr int kLeastExponent = -24;  // of the least positive binary16
constexpr double kMostSteps = 2048;  // integers up to 2^11 have the 11 significant bits of binary16

}  // namespace

void quantize_bias(std::span<const float> bias, uint32_t bits, float* out) {
  if (bias.empty()) return;
  const auto [least, greatest] = std::minmax_element(bias.begin(), bias.end());
  const double levels = std::ldexp(1.0, static_cast<int>(bits));
  int exponent = kLeastExponent;
  for (;; ++exponent) {
    const double low = std::nearbyint(std::ldexp(static_cast<double>(*least), -exponent));
    const double high = std::nearbyint(std::ldexp(static_cast<double>(*greatest), -exponent));
    if (high - low < levels && std::max(-low, high) <= kMostSteps) break;
  }
  std::transform(bias.begin(), bias.end(), out, [exponent](float value) {
    const double steps = std::nearbyint(std::ldexp(static_cast<double>(value), -exponent));
    return static_cast<float>(std::ldexp(steps + 0.0, exponent));
  });
}

}  // namespace dcf::impl::compress
