// SPDX-License-Identifier: Apache-2.0
#include "research/paper/large_layers.h"

#include <dcf/dcf_encode.h>

#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "research/paper/sparse_layer.h"

namespace dcf::tools {
namespace {

// Uniform in (0, 1]. The distributions of the standard library differ from one to the next.
double uniform(std::mt19937_64* random) {
  constexpr double kStep = 0x1p-53;
  return static_cast<double>(((*random)() >> 11) + 1) * kStep;
}

// The magnitude that a standard Gaussian exceeds with this probability.
double threshold_for(double density) {
  double low = 0;
  double high = 40;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (std::erfc(middle / std::sqrt(2.0)) > density ? low : high) = middle;
  }
  return low;
}

// A standard Gaussian on the condition that its magnitude is above `threshold`.
double draw_tail(double threshold, std::mt19937_64* random) {
  double x = 0;
  if (threshold < 1) {
    do {  // Box, Muller, 1958
      const double radius = std::sqrt(-2 * std::log(uniform(random)));
      x = std::abs(radius * std::cos(2 * std::acos(-1.0) * uniform(random)));
    } while (x <= threshold);
  } else {
    double y = 0;
    double more = 0;
    do {  // Marsaglia, "Generating a variable from the tail of the normal distribution", 1964
      more = -std::log(uniform(random)) / threshold;
      y = -std::log(uniform(random));
    } while (2 * y < more * more);
    x = threshold + more;
  }
  return ((*random)() & 1) != 0 ? x : -x;
}

SparseLayer draw_layer(const PaperLayer& layer, std::mt19937_64* random) {
  const double density = layer.kept / 100;
  const double threshold = threshold_for(density);
  const uint64_t rows = layer.dims[0];
  const uint64_t cols = layer.weights() / rows;
  const double scale = 1 / std::sqrt(static_cast<double>(cols));
  const double log_skip = std::log1p(-density);
  SparseLayer out;
  out.row_ptr.push_back(0);
  for (uint64_t row = 0; row < rows; ++row) {
    double col = std::floor(std::log(uniform(random)) / log_skip);
    while (col < static_cast<double>(cols)) {
      out.col.push_back(static_cast<uint32_t>(col));
      out.values.push_back(static_cast<float>(scale * draw_tail(threshold, random)));
      col += 1 + std::floor(std::log(uniform(random)) / log_skip);
    }
    out.row_ptr.push_back(out.col.size());
  }
  return out;
}

}  // namespace

uint32_t clusters_of(const PaperLayer& layer) {
  return (1u << layer.weight_bits) - 1;
}

void write_synthetic(const PaperNet& net, uint64_t seed, const std::string& path) {
  DcfWriter writer = replace_dcf(path);
  std::mt19937_64 random(seed);
  for (const PaperLayer& layer : net.layers) {
    add_clustered(float_meta(std::string(layer.name) + ".weight", layer.dims),
                  draw_layer(layer, &random), clusters_of(layer), &writer);
  }
  writer.finish();
}

}  // namespace dcf::tools
