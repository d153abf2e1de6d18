// SPDX-License-Identifier: Apache-2.0
#include "compress/rate_cluster.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "compress/rate_assign.h"

namespace dcf::impl::compress {
namespace {

constexpr size_t kMaxTurns = 10000;              // rounded means might alternate for ever
constexpr size_t kMostVisits = size_t{1} << 24;  // visits of weights, if there are many weights
constexpr size_t kMostPoints = size_t{1} << 16;
constexpr size_t kImportanceBins = 32;

// `count` weights of about the same value.
struct Point {
  double weight, importance, count;
};

struct Tally {
  double count = 0, importance = 0, moment = 0;
};

RateCodebook updated(const RateCodebook& old, const std::vector<Tally>& tallies) {
  RateCodebook codebook = old;
  double all = 0;
  for (const Tally& tally : tallies) all += tally.count;
  for (size_t i = 0; i < tallies.size(); ++i) {
    if (tallies[i].importance > 0)
      codebook.centroids[i] = tallies[i].moment / tallies[i].importance;
    codebook.bits[i] = std::max(0.0, std::log2(all) - std::log2(tallies[i].count));
  }
  return codebook;
}

// point(i) -> Point for i in [0, codes.size()).
template <typename PointAt>
RateCodebook turn(const RateCodebook& codebook, double lambda, std::span<uint8_t> codes,
                  PointAt point_at) {
  const RateAssigner assigner(codebook.centroids, codebook.costs(lambda));
  std::vector<Tally> tallies(codebook.centroids.size());
  for (size_t i = 0; i < codes.size(); ++i) {
    const Point point = point_at(i);
    codes[i] = assigner.best(point.weight, point.importance);
    Tally& tally = tallies[codes[i]];
    const double importance = point.importance * point.count;
    tally.count += point.count;
    tally.importance += importance;
    tally.moment += importance * point.weight;
  }
  return updated(codebook, tallies);
}

template <typename PointAt>
RateCodebook turns(RateCodebook codebook, double lambda, size_t points, size_t limit,
                   PointAt point_at) {
  std::vector<uint8_t> codes(points), previous;
  for (size_t i = 0; i < limit && codes != previous; ++i) {
    previous = codes;
    codebook = turn(codebook, lambda, codes, point_at);
  }
  return codebook;
}

auto weights_as_points(std::span<const float> weights, std::span<const float> importance) {
  return [=](size_t i) { return Point{weights[i], importance[i], 1}; };
}

uint16_t top_bits(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits >> 31 != 0 ? ~bits : bits | 0x80000000u) >> 16);
}

// For every top half of a float the bin of its quantile, fewer than `bins`.
std::vector<uint64_t> quantile_bins(std::span<const float> values, size_t bins) {
  std::vector<uint64_t> histogram(size_t{1} << 16);
  for (const float value : values) ++histogram[top_bits(value)];
  uint64_t below = 0;
  for (uint64_t& entry : histogram) {
    const uint64_t count = entry;
    entry = std::min<uint64_t>(below, values.size() - 1) * bins / values.size();
    below += count;
  }
  return histogram;
}

std::vector<Point> gather(std::span<const float> weights, std::span<const float> importance) {
  const auto weight_bins = quantile_bins(weights, kMostPoints / kImportanceBins);
  const auto importance_bins = quantile_bins(importance, kImportanceBins);
  std::vector<Tally> cells(kMostPoints);
  std::vector<double> sums(kMostPoints);  // used where the importance is 0
  for (size_t i = 0; i < weights.size(); ++i) {
    const size_t cell = weight_bins[top_bits(weights[i])] * kImportanceBins +
                        importance_bins[top_bits(importance[i])];
    cells[cell].count += 1;
    cells[cell].importance += importance[i];
    cells[cell].moment += static_cast<double>(importance[i]) * weights[i];
    sums[cell] += weights[i];
  }
  std::vector<Point> points;
  for (size_t i = 0; i < cells.size(); ++i) {
    const Tally& cell = cells[i];
    if (cell.count == 0) continue;
    const double mean = cell.importance > 0 ? cell.moment / cell.importance : sums[i] / cell.count;
    points.push_back({mean, cell.importance / cell.count, cell.count});
  }
  return points;
}

}  // namespace

std::vector<double> RateCodebook::costs(double lambda) const {
  std::vector<double> costs;
  costs.reserve(bits.size());
  for (const double b : bits) costs.push_back(std::isinf(b) ? b : lambda * b);
  return costs;
}

RateCodebook equal_rates(std::vector<double> centroids) {
  const double bits = std::log2(static_cast<double>(centroids.size()));
  std::vector<double> all(centroids.size(), bits);
  return {std::move(centroids), std::move(all)};
}

RateCodebook rate_turn(std::span<const float> weights, std::span<const float> importance,
                       const RateCodebook& codebook, double lambda, std::span<uint8_t> codes) {
  return turn(codebook, lambda, codes, weights_as_points(weights, importance));
}

RateCodebook cluster_by_rate(const SortedSample<float>& weights, RateCodebook codebook,
                             double lambda) {
  std::vector<size_t> previous;
  for (size_t i = 0; i < kMaxTurns; ++i) {
    // Each code has a range of the sorted weights.
    const RateAssigner assigner(codebook.centroids, codebook.costs(lambda));
    std::vector<size_t> ends;
    for (const double threshold : assigner.thresholds()) ends.push_back(weights.rank(threshold));
    ends.push_back(weights.size());
    if (ends == previous) break;
    std::vector<Tally> tallies(codebook.centroids.size());
    size_t first = 0;
    for (size_t w = 0; w < ends.size(); ++w) {
      const auto count = static_cast<double>(ends[w] - first);
      const double moment = first == ends[w] ? 0 : weights.mean(first, ends[w]) * count;
      tallies[assigner.winners()[w]] = {count, count, moment};
      first = ends[w];
    }
    codebook = updated(codebook, tallies);
    previous = std::move(ends);
  }
  return codebook;
}

RateCodebook cluster_by_rate(std::span<const float> weights, std::span<const float> importance,
                             RateCodebook codebook, double lambda) {
  size_t limit = kMaxTurns;
  if (weights.size() > kMostPoints) {
    const std::vector<Point> points = gather(weights, importance);
    codebook = turns(std::move(codebook), lambda, points.size(), kMaxTurns,
                     [&](size_t i) { return points[i]; });
    limit = std::max<size_t>(kMostVisits / weights.size(), 2);
  }
  return turns(std::move(codebook), lambda, weights.size(), limit,
               weights_as_points(weights, importance));
}

}  // namespace dcf::impl::compress
