// SPDX-License-Identifier: Apache-2.0
#include "compress/cluster.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <type_traits>

#include "base/float_convert.h"
#include "compress/kmeans_optimal.h"
#include "compress/radix_sort.h"
#include "compress/rate_assign.h"

namespace dcf::impl::compress {
namespace {

template <typename Real>
std::vector<Real> sorted_values(DType dtype, Bytes words) {
  std::vector<Real> values(words.size() / (dtype_bits(dtype) / 8));
  if constexpr (std::is_same_v<Real, float>) {
    words_to_floats(dtype, words, values);
    sort_floats(&values);
  } else {
    words_to_doubles(dtype, words, values);
    std::sort(values.begin(), values.end());
  }
  return values;
}

// The distinct values of an ascending vector, the first limit + 1 at most.
template <typename Real>
std::vector<double> distinct_values(const std::vector<Real>& values, size_t limit) {
  std::vector<double> distinct;
  for (const Real v : values) {
    if (!distinct.empty() && distinct.back() == v) continue;
    distinct.push_back(v);
    if (distinct.size() > limit) break;
  }
  return distinct;
}

// Scales doubles to magnitudes of at most 1, so that their squares and sums neither overflow nor
// all underflow. Returns the power of two to scale back by. Floats need no scaling.
int normalise(std::vector<double>* values) {
  int exponent;
  std::frexp(std::max(-values->front(), values->back()), &exponent);
  for (double& v : *values) v = std::ldexp(v, -exponent);
  return exponent;
}
int normalise(std::vector<float>*) {
  return 0;
}

template <typename Real>
std::vector<double> find_centroids(DType dtype, Bytes words, size_t max_clusters, ClusterInit init,
                                   uint64_t seed, bool fill) {
  std::vector<Real> values = sorted_values<Real>(dtype, words);
  std::vector<double> distinct = distinct_values(values, max_clusters);
  if (distinct.size() <= max_clusters) return distinct;
  const int exponent = normalise(&values);
  const SortedSample<Real> sample(std::move(values));
  // Scaling may have made values equal that are hundreds of orders of magnitude below the greatest.
  const size_t k = sample.distinct(max_clusters);
  std::vector<double> start = initial_centroids(sample, k, init, seed);
  std::vector<double> centroids =
      fill ? lloyd_filled(sample, std::move(start), k) : lloyd(sample, std::move(start));
  for (double& c : centroids) c = std::ldexp(c, exponent);
  return centroids;
}

// Code of every word: the number of boundaries below its value.
std::vector<uint8_t> assign(DType dtype, Bytes words, std::span<const double> boundaries) {
  const size_t width = dtype_bits(dtype) / 8;
  std::vector<uint8_t> codes(words.size() / width);
  std::vector<double> block(1024);
  for (size_t start = 0; start < codes.size(); start += block.size()) {
    const size_t count = std::min(block.size(), codes.size() - start);
    words_to_doubles(dtype, words.subspan(start * width, count * width), {block.data(), count});
    for (size_t i = 0; i < count; ++i) {
      codes[start + i] = static_cast<uint8_t>(count_below(boundaries, block[i]));
    }
  }
  return codes;
}

void drop_unused(Clustering* clustering) {
  std::vector<uint8_t> new_code(clustering->codebook.size());
  for (const uint8_t code : clustering->codes) new_code[code] = 1;
  size_t used = 0;
  for (size_t i = 0; i < new_code.size(); ++i) {
    if (new_code[i] == 0) continue;
    clustering->codebook[used] = clustering->codebook[i];
    new_code[i] = static_cast<uint8_t>(used++);
  }
  if (used == clustering->codebook.size()) return;
  clustering->codebook.resize(used);
  for (uint8_t& code : clustering->codes) code = new_code[code];
}

}  // namespace

template <typename Real>
std::vector<double> initial_centroids(const SortedSample<Real>& sample, size_t k, ClusterInit init,
                                      uint64_t seed) {
  switch (init) {
    case ClusterInit::kLinear:
      return linear_centroids(sample, k);
    case ClusterInit::kDensity:
      return density_centroids(sample, k);
    case ClusterInit::kForgy:
      return forgy_centroids(sample, k, seed);
    default:
      return optimal_centroids(sample, k);
  }
}

template std::vector<double> initial_centroids(const SortedSample<float>&, size_t, ClusterInit,
                                               uint64_t);
template std::vector<double> initial_centroids(const SortedSample<double>&, size_t, ClusterInit,
                                               uint64_t);

Clustering cluster_words(DType dtype, Bytes words, size_t max_clusters, ClusterInit init,
                         uint64_t seed, bool fill) {
  if (words.empty()) return {};
  const std::vector<double> centroids =
      dtype == DType::kF64 ? find_centroids<double>(dtype, words, max_clusters, init, seed, fill)
                           : find_centroids<float>(dtype, words, max_clusters, init, seed, fill);
  Clustering clustering;
  std::vector<double> boundaries;
  double previous = 0;
  for (const double centroid : centroids) {
    const uint64_t rounded = double_to_word(dtype, centroid);
    const uint64_t word = (rounded & magnitude_mask(dtype)) == 0 ? 0 : rounded;
    if (!clustering.codebook.empty() && clustering.codebook.back() == word) continue;
    const double value = word_to_double(dtype, word);
    if (!clustering.codebook.empty()) boundaries.push_back(std::midpoint(previous, value));
    clustering.codebook.push_back(word);
    previous = value;
  }
  clustering.codes = assign(dtype, words, boundaries);
  drop_unused(&clustering);
  return clustering;
}

}  // namespace dcf::impl::compress
