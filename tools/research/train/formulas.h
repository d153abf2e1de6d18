// SPDX-License-Identifier: Apache-2.0
// The closed formulas of Deep Compression and of the pruning methods around it. Unchecked: a NaN
// gives a NaN.
#pragma once

#include <cmath>
#include <cstdint>

namespace dcf::tools {

// The cubic gradual schedule (Zhu, Gupta, "To prune, or not to prune", 2017, equation 1):
// target + (initial - target) * (1 - (step - first) / (last - first))^3; `initial` up to step
// `first`, `target` from step `last` on.
inline double sparsity_at(double initial, double target, uint64_t step, uint64_t first,
                          uint64_t last) {
  if (step >= last) return target;
  if (step <= first) return initial;
  const double left = static_cast<double>(last - step) / static_cast<double>(last - first);
  return target + (initial - target) * (left * left * left);
}

// The dropout rate for retraining a pruned layer: rate * sqrt(kept / all), of the connections kept
// and there before (Han et al., "Learning both Weights and Connections", 2015, equation 2). `rate`
// itself where all is 0.
inline double dropout_rate(double rate, uint64_t kept, uint64_t all) {
  if (all == 0) return rate;
  return rate * std::sqrt(static_cast<double>(kept) / static_cast<double>(all));
}

// The compression rate of weight sharing alone (Deep Compression, section 3, equation 1), for n
// weights of b bits in k clusters: n b / (n log2 k + k b). 0 where n, b or k is 0.
inline double compression_rate(uint64_t n, uint32_t b, uint32_t k) {
  if (n == 0 || b == 0 || k == 0) return 0;
  const auto weights = static_cast<double>(n);
  const double shared = weights * std::log2(static_cast<double>(k)) + static_cast<double>(k) * b;
  return weights * b / shared;
}

}  // namespace dcf::tools
