// SPDX-License-Identifier: Apache-2.0
// One-dimensional k-means on a sorted sample (Deep Compression, section 3).
//
// A cluster of a sorted sample is a range, so an iteration of Lloyd's algorithm is k - 1 binary
// searches and sums of the ranges that changed. All sums are in double and in an order that the
// sample alone fixes: results are the same on every machine. Real is float (dtypes of up to 32
// bits) or double. Immutable after construction; safe to share between threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace dcf::impl::compress {

// A sample of finite values whose sum is finite too. Allocates 8 bytes for 256 values besides the
// values.
template <typename Real>
class SortedSample {
 public:
  // `values` are in ascending order.
  explicit SortedSample(std::vector<Real> values);

  size_t size() const { return values_.size(); }
  double operator[](size_t i) const { return values_[i]; }
  // Sum of the values [first, last): single values at the ends, stored sums of whole blocks between
  // them. Sums are only added, so no digits are lost by cancellation.
  double sum(size_t first, size_t last) const;
  // Mean of the values [first, last), first < last: never outside their range, so that centroids
  // stay ascending whatever the rounding.
  double mean(size_t first, size_t last) const;
  // Number of values that are at most x, and of those below it.
  size_t rank(double x) const;
  size_t rank_below(double x) const;
  // Number of distinct values, counted up to `limit`.
  size_t distinct(size_t limit) const;

 private:
  std::vector<Real> values_;
  std::vector<double> block_sums_;
};

// Initial centroids, ascending and distinct: between 1 and k of them, k >= 1 (the paper, section
// 3.2). The sample is not empty.
// k values evenly spaced over [min, max].
template <typename Real>
std::vector<double> linear_centroids(const SortedSample<Real>& sample, size_t k);
// Medians of k equal shares of the sample.
template <typename Real>
std::vector<double> density_centroids(const SortedSample<Real>& sample, size_t k);
// k elements of the sample, drawn by SplitMix64. A value that was drawn before is replaced by the
// next greater distinct one (after the greatest, by the least). The sample has at least k distinct
// values.
template <typename Real>
std::vector<double> forgy_centroids(const SortedSample<Real>& sample, size_t k, uint64_t seed);

// First elements of the clusters of ascending centroids, and the size of the sample: k + 1 ranks.
// A value belongs to the nearest centroid; at equal distance to the lower. Midpoints of centroids
// are rounded to double.
template <typename Real>
std::vector<size_t> cluster_bounds(const SortedSample<Real>& sample,
                                   std::span<const double> centroids);

// Lloyd's algorithm until no element changes its cluster. Centroids stay ascending; those of empty
// clusters stay where they are.
template <typename Real>
std::vector<double> lloyd(const SortedSample<Real>& sample, std::vector<double> centroids);

// The same, ending with k clusters of which none is empty, k >= 1. The sample has at least k
// distinct values. In each iteration the clusters that are empty or lacking start anew at the
// values that are farthest from their centroids, the lowest of those that are equally far, as
// KMeans of scikit-learn has it.
template <typename Real>
std::vector<double> lloyd_filled(const SortedSample<Real>& sample, std::vector<double> centroids,
                                 size_t k);

}  // namespace dcf::impl::compress
