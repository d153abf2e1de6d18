// SPDX-License-Identifier: Apache-2.0
#include "compress/rate_assign.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

namespace dcf::impl::compress {

RateAssigner::RateAssigner(std::span<const double> centroids, std::span<const double> costs) {
  for (size_t i = 0; i < centroids.size(); ++i) {
    if (!std::isfinite(costs[i])) continue;
    candidates_.push_back({centroids[i], costs[i], static_cast<uint8_t>(i)});
  }
  const auto key = [](const Candidate& c) { return std::tuple(c.centroid, c.cost, c.index); };
  std::sort(candidates_.begin(), candidates_.end(),
            [&](const Candidate& a, const Candidate& b) { return key(a) < key(b); });
  // Of equal centroids the cheapest always wins.
  const auto same = [](const Candidate& a, const Candidate& b) { return a.centroid == b.centroid; };
  candidates_.erase(std::unique(candidates_.begin(), candidates_.end(), same), candidates_.end());

  least_cost_ = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < candidates_.size(); ++i) {
    least_cost_ = std::min(least_cost_, candidates_[i].cost);
    if (i == 0) continue;
    midpoints_.push_back(std::midpoint(candidates_[i - 1].centroid, candidates_[i].centroid));
  }
  find_winners();
}

// As functions of w, all (w - c)^2 + cost are parabolas of the same shape: any two cross once, and
// as w rises the least of them changes from centroid to centroid in ascending order. A candidate
// whose interval of that lower envelope is empty never wins.
void RateAssigner::find_winners() {
  std::vector<size_t> hull;
  const auto crossing = [this](size_t a, size_t b) {
    const Candidate &low = candidates_[a], &high = candidates_[b];
    return std::midpoint(low.centroid, high.centroid) +
           (high.cost - low.cost) / (2 * (high.centroid - low.centroid));
  };
  for (size_t i = 0; i < candidates_.size(); ++i) {
    while (hull.size() > 1 && crossing(hull.back(), i) <= thresholds_.back()) {
      hull.pop_back();
      thresholds_.pop_back();
    }
    if (!hull.empty()) thresholds_.push_back(crossing(hull.back(), i));
    hull.push_back(i);
  }
  for (const size_t i : hull) winners_.push_back(candidates_[i].index);
}

uint8_t RateAssigner::best(double weight, double importance) const {
  const auto distance = [&](const Candidate& c) {
    return importance * ((weight - c.centroid) * (weight - c.centroid));
  };
  // From the nearest candidate outward, until the distance alone costs too much.
  const size_t nearest = count_below(midpoints_, weight);
  size_t best = nearest;
  double best_cost = distance(candidates_[nearest]) + candidates_[nearest].cost;
  for (size_t i = nearest; i-- > 0;) {
    const double far = distance(candidates_[i]);
    if (far + least_cost_ > best_cost) break;
    const double cost = far + candidates_[i].cost;
    if (cost <= best_cost) best = i, best_cost = cost;
  }
  for (size_t i = nearest + 1; i < candidates_.size(); ++i) {
    const double far = distance(candidates_[i]);
    if (far + least_cost_ >= best_cost) break;
    const double cost = far + candidates_[i].cost;
    if (cost < best_cost) best = i, best_cost = cost;
  }
  return candidates_[best].index;
}

}  // namespace dcf::impl::compress
