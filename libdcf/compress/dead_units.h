// SPDX-License-Identifier: Apache-2.0
// Units of a pruned network that no longer do anything (Han et al., "Learning both Weights and
// Connections", 2015, section 3.5). Fields are those of dcf_dead_units of dcf/dcf_encode.h.
#pragma once

#include <cstdint>
#include <span>

namespace dcf::impl::compress {

struct DeadUnits {
  std::span<float> w1;     // units x inputs
  std::span<float> bias1;  // units, or empty
  size_t units, inputs;
  bool relu;
  std::span<float> w2;     // outputs x units x span
  std::span<float> bias2;  // outputs; may be empty where bias1 is
  size_t outputs, span;
};

// Folds and zeroes. *dead receives the number of units whose weights are all zero afterwards.
// False, with nothing changed, if a new bias would not be finite. All values must be finite.
bool fold_dead_units(const DeadUnits& layers, size_t* dead);

}  // namespace dcf::impl::compress
