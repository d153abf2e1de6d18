// SPDX-License-Identifier: Apache-2.0
#include "cli/element_values.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dcf::tools {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

double small_float(uint32_t word, const FloatFormat& format) {
  const uint32_t fraction = word & ((1u << format.mantissa_bits) - 1);
  const uint32_t top = (1u << format.exponent_bits) - 1;
  const uint32_t exponent = (word >> format.mantissa_bits) & top;
  const uint32_t all_ones = (1u << format.mantissa_bits) - 1;
  const bool negative = (word >> (format.exponent_bits + format.mantissa_bits)) != 0;
  const double sign = negative ? -1 : 1;
  const bool fnuz = format.special == Special::kNoMinusZero;
  if (exponent == top && format.special == Special::kTopExponent) {
    return fraction == 0 ? sign * kInfinity : kNan;
  }
  if (exponent == top && fraction == all_ones && !fnuz) return kNan;
  if (fnuz && negative && exponent == 0 && fraction == 0) return kNan;
  const uint32_t significand = exponent == 0 ? fraction : fraction + all_ones + 1;
  const int bias = static_cast<int>(top >> 1) + (fnuz ? 1 : 0);
  const int scale = static_cast<int>(std::max(exponent, 1u)) - bias - format.mantissa_bits;
  return sign * std::ldexp(static_cast<double>(significand), scale);
}

}  // namespace dcf::tools
