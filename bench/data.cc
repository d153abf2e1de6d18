// SPDX-License-Identifier: Apache-2.0
#include "data.h"

#include <dcf/dcf_encode.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace dcf::bench {
namespace {

constexpr size_t kSample = size_t{1} << 16;

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

// Codes of the nearest of `clusters` centroids at equal distances over the whole range of the
// weights: the paper's linear initialisation, before k-means moves it.
Plane indices(const char* name, double density, double clusters, size_t n) {
  constexpr double kRange = 4.5;  // of a million weights, in standard deviations
  std::mt19937_64 random(static_cast<uint64_t>(clusters));
  const double threshold = threshold_for(density);
  Plane plane{name, {}};
  while (plane.symbols.size() < n) {
    const double weight = gaussian(&random);
    if (std::abs(weight) <= threshold) continue;
    const double code = std::floor((weight + kRange) / (2 * kRange) * clusters);
    plane.symbols.push_back(static_cast<uint8_t>(std::clamp(code, 0.0, clusters - 1)));
  }
  return plane;
}

// The same where k-means has converged, so that the clusters are more alike in size.
Plane converged_indices(const char* name, double density, uint32_t clusters, size_t n) {
  const Clustered tail = cluster_tail(density, clusters, clusters);
  std::mt19937_64 random(clusters);
  Plane plane{name, std::vector<uint8_t>(n)};
  for (uint8_t& symbol : plane.symbols) symbol = tail.codes[random() % tail.codes.size()];
  return plane;
}

// Distances between the stored entries of a row, less one, of independent positions.
Plane gaps(const char* name, double density, size_t n) {
  std::mt19937_64 random(static_cast<uint64_t>(density * 1e6));
  Plane plane{name, std::vector<uint8_t>(n)};
  const double log_skip = std::log1p(-density);
  for (uint8_t& symbol : plane.symbols) {
    symbol = static_cast<uint8_t>(std::min(255.0, std::floor(std::log(uniform(&random)) / log_skip)));
  }
  return plane;
}

// The tensor data of a safetensors file.
std::vector<uint8_t> tensor_bytes(const std::string& path) {
  std::vector<uint8_t> file = read_file(path);
  uint64_t header = 0;
  if (file.size() < sizeof header) return {};
  std::memcpy(&header, file.data(), sizeof header);
  if (header > file.size() - sizeof header) return {};
  file.erase(file.begin(), file.begin() + static_cast<ptrdiff_t>(sizeof header + header));
  return file;
}

}  // namespace

double uniform(std::mt19937_64* random) {
  constexpr double kStep = 0x1p-53;
  return static_cast<double>(((*random)() >> 11) + 1) * kStep;
}

double gaussian(std::mt19937_64* random) {  // Box, Muller, 1958
  const double radius = std::sqrt(-2 * std::log(uniform(random)));
  return radius * std::cos(2 * std::acos(-1.0) * uniform(random));
}

Clustered cluster_tail(double density, uint32_t clusters, uint64_t seed) {
  std::mt19937_64 random(seed);
  const double threshold = threshold_for(density);
  std::vector<float> weights;
  while (weights.size() < kSample) {
    const double weight = gaussian(&random);
    if (std::abs(weight) > threshold) weights.push_back(static_cast<float>(weight));
  }
  dcf_share_options options;
  dcf_share_options_init(&options);
  options.clusters = clusters;
  Clustered out{std::vector<float>(clusters), std::vector<uint8_t>(weights.size())};
  uint32_t size = 0;
  dcf_error error{};
  require(dcf_share(weights.data(), nullptr, nullptr, weights.size(), &options, out.codebook.data(),
                    &size, out.codes.data(), &error) == DCF_OK,
          error.message);
  out.codebook.resize(size);
  for (uint8_t& code : out.codes) --code;  // 0 would be a pruned weight
  return out;
}

std::vector<Plane> synthetic_planes(size_t n) {
  return {indices("idx16", 0.09, 16, n), indices("idx32", 0.09, 32, n),
          indices("idx256", 0.38, 256, n), converged_indices("idx32, k-means", 0.09, 32, n),
          gaps("gap, mean 11", 0.09, n), gaps("gap, mean 2.6", 0.38, n)};
}

std::vector<Plane> real_planes(size_t n, Suite* suite) {
  std::vector<Plane> planes;
  Plane exponents{"fp32 exponents", {}};
  for (const char* const name : {"lenet5_original.safetensors", "lenet300100_original.safetensors"}) {
    const std::vector<uint8_t> bytes = tensor_bytes(test_data(name));
    for (size_t i = 0; i + 4 <= bytes.size(); i += 4) {
      uint32_t bits = 0;
      std::memcpy(&bits, &bytes[i], sizeof bits);
      exponents.symbols.push_back(static_cast<uint8_t>(bits >> 23));
    }
  }
  if (exponents.symbols.empty()) {
    suite->leave_out("fp32 exponents: no lenet5_original.safetensors in " + test_data(""));
  } else {
    planes.push_back(std::move(exponents));
  }
  Plane weights{"uint8 weights", read_file(test_data("uint8_weights.bin"))};
  if (weights.symbols.empty()) {
    suite->leave_out("uint8 weights: no uint8_weights.bin in " + test_data("") +
                     " (./bench.sh --with-npm fetches some)");
  } else {
    planes.push_back(std::move(weights));
  }
  for (Plane& plane : planes) plane.symbols.resize(std::min(n, plane.symbols.size()));
  return planes;
}

std::string test_data(const std::string& name) {
  const char* const folder = std::getenv("DCF_TEST_DATA");
  return std::string(folder != nullptr ? folder : DCF_TEST_DATA_DEFAULT) + "/" + name;
}

std::vector<uint8_t> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::vector<uint8_t>(std::istreambuf_iterator<char>(file), {});
}

}  // namespace dcf::bench
