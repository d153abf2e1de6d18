// SPDX-License-Identifier: Apache-2.0
// Weight sharing on the floats of a training loop (Deep Compression, section 3): a codebook and a
// code for each kept weight, and back. Codes: 0 is pruned, c > 0 is centroid c - 1.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compress/cluster.h"
#include "compress/rate_assign.h"

namespace dcf::impl::compress {

struct ShareOptions {
  size_t clusters;  // 1..255
  ClusterInit init;
  uint64_t seed;
  double lambda;  // price of a bit in squared distance, 0..1e100
};

// Inputs of sharing and assignment: finite weights, and for each, where not NULL, whether it is
// kept (else where it is not zero) and its importance, finite and not negative (else 1).
struct SharedLayer {
  std::span<const float> weights;
  const uint8_t* mask;
  const float* importance;

  bool keeps(size_t i) const { return mask == nullptr ? weights[i] != 0 : mask[i] != 0; }
};

// The codebook, ascending, every entry used. codes: out, one per weight. With lambda 0 and no
// importance this is cluster_words(); otherwise cluster_by_rate() continues from its result.
std::vector<float> share_weights(const SharedLayer& layer, const ShareOptions& options,
                                 uint8_t* codes);

// Codes of least importance * (w - c)^2 + cost.
void assign_weights(const SharedLayer& layer, const RateAssigner& assigner, uint8_t* codes);

// Greatest of the codes; 0 for none.
uint8_t greatest_code(std::span<const uint8_t> codes);

// The shared weights; every code is at most codebook.size().
void expand_codes(std::span<const uint8_t> codes, std::span<const float> codebook, float* weights);

// Sums the gradients of each centroid's weights, in order of the weights (section 3.3). False for a
// gradient that is not finite.
bool sum_gradients(std::span<const float> gradients, const uint8_t* codes, std::span<double> sums);

}  // namespace dcf::impl::compress
