// SPDX-License-Identifier: Apache-2.0
// Rate-distortion assignment of weights to centroids: least importance * (w - c)^2 + cost, the cost
// being what the code takes in the file (Chou, Lookabaugh, Gray, "Entropy-constrained vector
// quantization", 1989). At equal cost the lower centroid is taken, of equal centroids the first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace dcf::impl::compress {

// The number of ascending bounds below x. No branches, because x is unpredictable.
inline size_t count_below(std::span<const double> bounds, double x) {
  const double* first = bounds.data();
  size_t size = bounds.size();
  while (size > 1) {
    const size_t half = size / 2;
    first = first[half - 1] < x ? first + half : first;
    size -= half;
  }
  return static_cast<size_t>(first - bounds.data()) + (size == 1 && *first < x);
}

// Immutable; safe to share between threads.
class RateAssigner {
 public:
  // At most 256 finite centroids in any order; costs: not negative, +Inf forbids, one is finite.
  RateAssigner(std::span<const double> centroids, std::span<const double> costs);

  // Index of the centroid for a weight of importance 1, and for one of any importance >= 0.
  uint8_t best(double weight) const { return winners_[count_below(thresholds_, weight)]; }
  uint8_t best(double weight, double importance) const;

  // The centroids that some weight of importance 1 takes, ascending, and for each but the last the
  // greatest weight that takes it.
  const std::vector<uint8_t>& winners() const { return winners_; }
  const std::vector<double>& thresholds() const { return thresholds_; }

 private:
  struct Candidate {
    double centroid, cost;
    uint8_t index;
  };
  void find_winners();

  std::vector<Candidate> candidates_;  // ascending, distinct
  std::vector<double> midpoints_;      // of the candidates
  double least_cost_ = 0;
  std::vector<uint8_t> winners_;
  std::vector<double> thresholds_;
};

}  // namespace dcf::impl::compress
