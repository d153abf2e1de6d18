// SPDX-License-Identifier: Apache-2.0
#include "compress/kmeans_optimal.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

namespace dcf::impl::compress {
namespace {

constexpr size_t kMaxCells = size_t{1} << 16;
constexpr size_t kQuantiles = kMaxCells / 2;

// Ranks of the first elements of the cells, and the size of the sample.
template <typename Real>
std::vector<size_t> cell_bounds(const SortedSample<Real>& sample) {
  const uint64_t distinct = sample.distinct(sample.size());
  const bool gather = distinct > kMaxCells;
  const double least = sample[0];
  const double per_unit = gather ? kQuantiles / (sample[sample.size() - 1] - least) : 0;
  const auto quantile_of = [=](uint64_t ordinal) { return ordinal * kQuantiles / distinct; };
  const auto width_of = [=](double v) { return static_cast<uint32_t>((v - least) * per_unit); };

  std::vector<size_t> bounds = {0};
  uint64_t ordinal = 0;  // of the distinct value at i
  for (size_t i = 1; i < sample.size(); ++i) {
    if (sample[i] == sample[i - 1]) continue;
    ++ordinal;
    if (!gather || quantile_of(ordinal) != quantile_of(ordinal - 1) ||
        width_of(sample[i]) != width_of(sample[i - 1])) {
      bounds.push_back(i);
    }
  }
  bounds.push_back(sample.size());
  return bounds;
}

// The dynamic program. Clusters of least squared distance are those of greatest sum of
// (sum of values)^2 / (number of values); best_[i] is that maximum for the first i cells in as many
// clusters as levels were run.
class Splitter {
 public:
  // weights[i], sums[i]: number and sum of the elements of the first i cells.
  Splitter(std::vector<double> weights, std::vector<double> sums)
      : weights_(std::move(weights)), sums_(std::move(sums)), best_(weights_.size()) {
    for (size_t i = 1; i < best_.size(); ++i) best_[i] = gain(0, i);
  }

  // Adds one cluster. splits[i]: where the last cluster of the first i cells starts.
  std::vector<uint16_t> add_cluster() {
    ++clusters_;
    next_.assign(best_.size(), 0);
    splits_.assign(best_.size(), 0);
    solve(clusters_, best_.size() - 1, clusters_ - 1, best_.size() - 2);
    best_.swap(next_);
    return splits_;
  }

 private:
  double gain(size_t first, size_t last) const {
    const double sum = sums_[last] - sums_[first];
    return sum * sum / (weights_[last] - weights_[first]);
  }

  // Fills next_ and splits_ for [low, high], whose splits lie in [split_low, split_high]: the best
  // split of the middle bounds those of both halves.
  void solve(size_t low, size_t high, size_t split_low, size_t split_high) {
    if (low > high) return;
    const size_t middle = low + (high - low) / 2;
    double best = -std::numeric_limits<double>::infinity();
    size_t best_split = split_low;
    for (size_t split = split_low; split <= std::min(split_high, middle - 1); ++split) {
      const double total = best_[split] + gain(split, middle);
      if (total > best) {
        best = total;
        best_split = split;
      }
    }
    next_[middle] = best;
    splits_[middle] = static_cast<uint16_t>(best_split);
    solve(low, middle - 1, split_low, best_split);
    solve(middle + 1, high, best_split, split_high);
  }

  std::vector<double> weights_, sums_, best_, next_;
  std::vector<uint16_t> splits_;
  size_t clusters_ = 1;
};

}  // namespace

template <typename Real>
std::vector<double> optimal_centroids(const SortedSample<Real>& sample, size_t k) {
  const std::vector<size_t> bounds = cell_bounds(sample);
  // Sums of distances to the mean: the clusters are the same, and less cancels.
  const double mean = sample.mean(0, sample.size());
  std::vector<double> weights = {0}, sums = {0};
  for (size_t i = 1; i < bounds.size(); ++i) {
    const auto weight = static_cast<double>(bounds[i] - bounds[i - 1]);
    weights.push_back(static_cast<double>(bounds[i]));
    sums.push_back(sums.back() + (sample.sum(bounds[i - 1], bounds[i]) - weight * mean));
  }

  Splitter splitter(std::move(weights), std::move(sums));
  std::vector<std::vector<uint16_t>> splits;
  for (size_t i = 1; i < k; ++i) splits.push_back(splitter.add_cluster());
  std::vector<double> centroids(k);
  size_t last = bounds.size() - 1;
  for (size_t i = k; i-- > 0;) {
    const size_t first = i == 0 ? 0 : splits[i - 1][last];
    centroids[i] = sample.mean(bounds[first], bounds[last]);
    last = first;
  }
  return centroids;
}

template std::vector<double> optimal_centroids(const SortedSample<float>&, size_t);
template std::vector<double> optimal_centroids(const SortedSample<double>&, size_t);

}  // namespace dcf::impl::compress
