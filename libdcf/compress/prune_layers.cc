// SPDX-License-Identifier: Apache-2.0
#include "compress/prune_layers.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "compress/radix_select.h"

namespace dcf::impl::compress {
namespace {

// Doubles that are not negative order as their bits.
uint64_t key_of(float weight, double scale) {
  return std::bit_cast<uint64_t>(scale * std::abs(static_cast<double>(weight)));
}

}  // namespace

void prune_layers(std::span<const PruneLayer> layers, double sparsity) {
  uint64_t all = 0;
  for (const PruneLayer& layer : layers) all += layer.weights.size();
  const auto count = static_cast<uint64_t>(std::round(sparsity * static_cast<double>(all)));
  if (count >= all) {
    for (const PruneLayer& layer : layers) std::fill_n(layer.mask, layer.weights.size(), 0);
    return;
  }
  const auto for_each = [&](auto visit) {
    for (const PruneLayer& layer : layers) {
      for (const float weight : layer.weights) visit(key_of(weight, layer.scale));
    }
  };
  Cutter cutter(radix_cut(64, count, for_each));
  for (const PruneLayer& layer : layers) {
    for (size_t i = 0; i < layer.weights.size(); ++i) {
      const float weight = layer.weights[i];
      layer.mask[i] = !cutter.removes(key_of(weight, layer.scale)) && weight != 0;
    }
  }
}

void apply_mask(std::span<float> weights, const uint8_t* mask) {
  // -0 + 0 is +0; every other number stays.
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = mask[i] == 0 ? 0.0f : weights[i] + 0.0f;
}

}  // namespace dcf::impl::compress
