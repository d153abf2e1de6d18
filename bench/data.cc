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

std::vector<float> tail_weights(double density, size_t n, std::mt19937_64* random) {
  const double threshold = threshold_for(density);
  std::vector<float> weights;
  while (weights.size() < n) {
    const double weight = gaussian(random);
    if (std::abs(weight) > threshold) weights.push_back(static_cast<float>(weight));
  }
  return weights;
}

// Codes of a pruned Gaussian by the paper's k-means: centroids at equal distances over the range of
// the weights, and 25 rounds. The outer clusters then still are much smaller than the inner ones.
Plane indices(const char* name, double density, size_t clusters, size_t n) {
  constexpr int kRounds = 25;
  std::mt19937_64 random(clusters);
  const std::vector<float> weights = tail_weights(density, n, &random);
  const auto [low, high] = std::ranges::minmax(weights);
  std::vector<double> centroids(clusters);
  for (size_t c = 0; c < clusters; ++c) {
    centroids[c] = low + (high - low) * static_cast<double>(c) / static_cast<double>(clusters - 1);
  }
  Plane plane{name, std::vector<uint8_t>(n)};
  for (int round = 0; round <= kRounds; ++round) {
    std::vector<float> ends;  // of all clusters but the last
    for (size_t c = 1; c < clusters; ++c) {
      ends.push_back(static_cast<float>((centroids[c - 1] + centroids[c]) / 2));
    }
    std::vector<double> sums(clusters);
    std::vector<double> counts(clusters);
    for (size_t i = 0; i < n; ++i) {
      const auto c = static_cast<size_t>(std::ranges::upper_bound(ends, weights[i]) - ends.begin());
      plane.symbols[i] = static_cast<uint8_t>(c);
      sums[c] += weights[i];
      ++counts[c];
    }
    for (size_t c = 0; c < clusters; ++c) {
      if (counts[c] > 0) centroids[c] = sums[c] / counts[c];
    }
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
    symbol =
        static_cast<uint8_t>(std::min(255.0, std::floor(std::log(uniform(&random)) / log_skip)));
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
  const std::vector<float> weights = tail_weights(density, kSample, &random);
  dcf_share_options options;
  dcf_share_options_init(&options);
  options.clusters = clusters;
  Clustered out{std::vector<float>(clusters), std::vector<uint8_t>(weights.size())};
  uint32_t size = 0;
  dcf_error error = DCF_ERROR_INIT;
  require(dcf_share(weights.data(), nullptr, nullptr, weights.size(), &options, out.codebook.data(),
                    &size, out.codes.data(), &error) == DCF_OK,
          error.message);
  out.codebook.resize(size);
  for (uint8_t& code : out.codes) --code;  // 0 would be a pruned weight
  return out;
}

std::vector<Plane> synthetic_planes(size_t n) {
  return {indices("idx16", 0.09, 16, n),   indices("idx32", 0.09, 32, n),
          indices("idx256", 0.38, 256, n), converged_indices("idx32*", 0.09, 32, n),
          gaps("gap 11", 0.09, n),         gaps("gap 2.6", 0.38, n)};
}

std::vector<Plane> real_planes(size_t n, Suite* suite) {
  std::vector<Plane> planes;
  Plane exponents{"fp32 exp", {}};
  std::vector<uint8_t> floats = read_file(suite->folder() / "data/fp32_weights.bin");
  for (const char* const name : {"lenet5_original", "lenet300100_original"}) {
    if (!floats.empty()) break;
    floats = tensor_bytes(test_data(std::string(name) + ".safetensors"));
  }
  for (size_t i = 0; i + 4 <= floats.size(); i += 4) {
    uint32_t bits = 0;
    std::memcpy(&bits, &floats[i], sizeof bits);
    exponents.symbols.push_back(static_cast<uint8_t>(bits >> 23));
  }
  planes.push_back(std::move(exponents));
  planes.push_back({"uint8", read_file(suite->folder() / "data/uint8_weights.bin")});
  std::erase_if(planes, [&](const Plane& plane) {
    if (plane.symbols.empty())
      suite->leave_out(plane.name + ": no weights (./bench.sh --with-npm)");
    return plane.symbols.empty();
  });
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
