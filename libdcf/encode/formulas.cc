// SPDX-License-Identifier: Apache-2.0
#include "encode/formulas.h"

#include <cmath>

namespace dcf::impl {

double sparsity_at(double initial, double target, uint64_t step, uint64_t first, uint64_t last) {
  if (step >= last) return target;
  if (step <= first) return initial;
  const double left = static_cast<double>(last - step) / static_cast<double>(last - first);
  return target + (initial - target) * (left * left * left);
}

double dropout_rate(double rate, uint64_t kept, uint64_t all) {
  if (all == 0) return rate;
  return rate * std::sqrt(static_cast<double>(kept) / static_cast<double>(all));
}

double compression_rate(uint64_t n, uint32_t b, uint32_t k) {
  if (n == 0 || b == 0 || k == 0) return 0;
  const auto weights = static_cast<double>(n);
  const double shared = weights * std::log2(static_cast<double>(k)) + static_cast<double>(k) * b;
  return weights * b / shared;
}

}  // namespace dcf::impl
