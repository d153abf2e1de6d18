// SPDX-License-Identifier: Apache-2.0
#include "compress/dead_units.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace dcf::impl::compress {
namespace {

bool all_zero(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return v == 0; });
}

void clear(std::span<float> values) {
  std::fill(values.begin(), values.end(), 0.0f);
}

std::span<float> row_of(const DeadUnits& layers, size_t unit) {
  return layers.w1.subspan(unit * layers.inputs, layers.inputs);
}

// The weights through which one output reads one unit.
std::span<float> readers(const DeadUnits& layers, size_t output, size_t unit) {
  return layers.w2.subspan((output * layers.units + unit) * layers.span, layers.span);
}

bool is_read(const DeadUnits& layers, size_t unit) {
  for (size_t output = 0; output < layers.outputs; ++output) {
    if (!all_zero(readers(layers, output, unit))) return true;
  }
  return false;
}

// The output of a unit without inputs.
double constant_of(const DeadUnits& layers, size_t unit) {
  if (layers.bias1.empty()) return 0;
  const double bias = layers.bias1[unit];
  return layers.relu ? std::max(bias, 0.0) : bias;
}

}  // namespace

bool fold_dead_units(const DeadUnits& layers, size_t* dead) {
  // A unit that is not read, or that has no inputs left, is removed. Within a pair of layers
  // neither case leads to the other.
  std::vector<size_t> gone;
  std::vector<double> biases(layers.bias2.begin(), layers.bias2.end());
  for (size_t unit = 0; unit < layers.units; ++unit) {
    const bool constant = all_zero(row_of(layers, unit));
    if (!constant && is_read(layers, unit)) continue;
    gone.push_back(unit);
    const double value = constant ? constant_of(layers, unit) : 0;
    if (value == 0) continue;
    for (size_t output = 0; output < layers.outputs; ++output) {
      const auto weights = readers(layers, output, unit);
      biases[output] += value * std::accumulate(weights.begin(), weights.end(), 0.0);
    }
  }
  for (const double bias : biases) {
    if (!std::isfinite(static_cast<float>(bias))) return false;
  }

  std::transform(biases.begin(), biases.end(), layers.bias2.begin(),
                 [](double bias) { return static_cast<float>(bias); });
  for (const size_t unit : gone) {
    clear(row_of(layers, unit));
    if (!layers.bias1.empty()) layers.bias1[unit] = 0;
    for (size_t output = 0; output < layers.outputs; ++output) {
      clear(readers(layers, output, unit));
    }
  }
  *dead = gone.size();
  return true;
}

}  // namespace dcf::impl::compress
