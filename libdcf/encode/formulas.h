// SPDX-License-Identifier: Apache-2.0
// The closed formulas of Deep Compression and of the pruning methods around it. Unchecked: a NaN
// gives a NaN.
#pragma once

#include <cstdint>

namespace dcf::impl {

// Cubic gradual sparsity (Zhu, Gupta, "To prune, or not to prune", 2017, equation 1).
double sparsity_at(double initial, double target, uint64_t step, uint64_t first, uint64_t last);

// Dropout of a pruned layer (Han et al., "Learning both Weights and Connections", 2015, equation
// 2).
double dropout_rate(double rate, uint64_t kept, uint64_t all);

// Weight sharing alone (Deep Compression, equation 1): n weights of b bits in k clusters.
double compression_rate(uint64_t n, uint32_t b, uint32_t k);

}  // namespace dcf::impl
