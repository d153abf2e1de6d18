// SPDX-License-Identifier: Apache-2.0
// What is measured on: the same synthetic symbols and layers in every run, on every machine, and
// real weights where there are any.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "harness.h"

namespace dcf::bench {

// One stream of symbols.
struct Plane {
  std::string name;
  std::vector<uint8_t> symbols;
};

// Independent draws, `n` of each: codes of 16, 32 and 256 clusters of a Gaussian pruned to 9, 9 and
// 38 % (k-means, linear initialisation, 25 rounds), and of 32 clusters where k-means has converged;
// gaps of mean 11 and 2.6.
std::vector<Plane> synthetic_planes(size_t n);

// Exponent bytes of fp32 weights and uint8 weights of published networks, at most `n` of each. What
// is missing is left out of the suite.
std::vector<Plane> real_planes(size_t n, Suite* suite);

// A folder of real models: the environment variable DCF_TEST_DATA, or the one the build was told.
std::string test_data(const std::string& name);
std::vector<uint8_t> read_file(const std::string& path);

// Uniform in (0, 1]. The distributions of the standard library differ from one to the next.
double uniform(std::mt19937_64* random);
double gaussian(std::mt19937_64* random);

// The weights of a Gaussian that magnitude pruning leaves at some density, as codes of centroids.
struct Clustered {
  std::vector<float> codebook;
  std::vector<uint8_t> codes;  // of a sample of weights, below codebook.size()
};
Clustered cluster_tail(double density, uint32_t clusters, uint64_t seed);

}  // namespace dcf::bench
