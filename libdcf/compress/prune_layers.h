// SPDX-License-Identifier: Apache-2.0
// Magnitude pruning of several layers together, and what keeps a mask during retraining
// (Deep Compression, section 2). Masks: one byte per weight, 1 where it stays.
#pragma once

#include <cstdint>
#include <span>

namespace dcf::impl::compress {

struct PruneLayer {
  std::span<const float> weights;  // finite
  double scale;                    // of its magnitudes, 1e-30..1e30: no product over- or underflows
  uint8_t* mask;                   // out, one per weight
};

// Removes the round(sparsity * all) weights of least scale * |w|, halves rounded up; of equal ones
// the lower layer, then the lower index goes first. Zeros never stay. sparsity: [0, 1).
void prune_layers(std::span<const PruneLayer> layers, double sparsity);

// Pruned weights become +0, and so does a kept -0.
void apply_mask(std::span<float> weights, const uint8_t* mask);

}  // namespace dcf::impl::compress
