// SPDX-License-Identifier: Apache-2.0
#include "compress/kmeans.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace dcf::impl::compress {
namespace {

constexpr size_t kSumBlock = 256;  // values per stored sum
// Convergence takes a few thousand iterations at most. In exact arithmetic it is certain; the limit
// is for rounded means, which might alternate for ever.
constexpr int kMaxIterations = 100000;

uint64_t split_mix64(uint64_t* state) {
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

// Sorts the values and removes duplicates.
std::vector<double> ascending(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

// Sets the centroids of the clusters that are not empty and have changed.
template <typename Real>
void update_means(const SortedSample<Real>& sample, std::span<const size_t> bounds,
                  std::span<const size_t> previous, std::vector<double>* centroids) {
  for (size_t i = 0; i < centroids->size(); ++i) {
    const size_t first = bounds[i], last = bounds[i + 1];
    if (first == last || (first == previous[i] && last == previous[i + 1])) continue;
    (*centroids)[i] = sample.mean(first, last);
  }
}

// The clusters of a sample that are not empty, ascending.
template <typename Real>
class ClusterRanges {
 public:
  ClusterRanges(const SortedSample<Real>& sample, std::span<const size_t> bounds)
      : sample_(sample) {
    for (size_t i = 1; i < bounds.size(); ++i) {
      if (bounds[i - 1] < bounds[i]) ranges_.push_back(range(bounds[i - 1], bounds[i]));
    }
  }

  size_t size() const { return ranges_.size(); }

  // Makes a cluster of its own of the value that is farthest from its centroid, with all that equal
  // it: one end of a range. False if every value is its centroid.
  bool split_farthest() {
    double farthest = 0;
    size_t at = 0;
    bool lower = false;
    for (size_t i = 0; i < ranges_.size(); ++i) {
      const Range& r = ranges_[i];
      const double below = r.mean - sample_[r.first];
      const double above = sample_[r.last - 1] - r.mean;
      if (below > farthest) {
        farthest = below;
        at = i;
        lower = true;
      }
      if (above > farthest) {
        farthest = above;
        at = i;
        lower = false;
      }
    }
    if (farthest == 0) return false;
    const Range old = ranges_[at];
    const size_t middle =
        lower ? sample_.rank(sample_[old.first]) : sample_.rank_below(sample_[old.last - 1]);
    ranges_[at] = range(middle, old.last);
    ranges_.insert(ranges_.begin() + static_cast<ptrdiff_t>(at), range(old.first, middle));
    return true;
  }

  std::vector<double> centroids() const {
    std::vector<double> means;
    means.reserve(ranges_.size());
    for (const Range& r : ranges_) means.push_back(r.mean);
    return means;
  }

 private:
  struct Range {
    size_t first, last;  // ranks
    double mean;
  };
  Range range(size_t first, size_t last) const { return {first, last, sample_.mean(first, last)}; }

  const SortedSample<Real>& sample_;
  std::vector<Range> ranges_;
};

}  // namespace

template <typename Real>
SortedSample<Real>::SortedSample(std::vector<Real> values) : values_(std::move(values)) {
  block_sums_.reserve(values_.size() / kSumBlock);
  for (size_t end = kSumBlock; end <= values_.size(); end += kSumBlock) {
    block_sums_.push_back(
        std::accumulate(values_.begin() + (end - kSumBlock), values_.begin() + end, 0.0));
  }
}

template <typename Real>
double SortedSample<Real>::sum(size_t first, size_t last) const {
  const size_t first_block = (first + kSumBlock - 1) / kSumBlock;
  const size_t last_block = last / kSumBlock;
  const auto at = [this](size_t i) { return values_.begin() + i; };
  if (first_block >= last_block) return std::accumulate(at(first), at(last), 0.0);
  double total = std::accumulate(at(first), at(first_block * kSumBlock), 0.0);
  total =
      std::accumulate(block_sums_.begin() + first_block, block_sums_.begin() + last_block, total);
  return std::accumulate(at(last_block * kSumBlock), at(last), total);
}

template <typename Real>
double SortedSample<Real>::mean(size_t first, size_t last) const {
  const double mean = sum(first, last) / static_cast<double>(last - first);
  return std::clamp(mean, (*this)[first], (*this)[last - 1]);
}

template <typename Real>
size_t SortedSample<Real>::rank(double x) const {
  return std::upper_bound(values_.begin(), values_.end(), x) - values_.begin();
}

template <typename Real>
size_t SortedSample<Real>::rank_below(double x) const {
  return std::lower_bound(values_.begin(), values_.end(), x) - values_.begin();
}

template <typename Real>
size_t SortedSample<Real>::distinct(size_t limit) const {
  size_t count = values_.empty() || limit == 0 ? 0 : 1;
  for (size_t i = 1; i < values_.size() && count < limit; ++i)
    count += values_[i] != values_[i - 1];
  return count;
}

template <typename Real>
std::vector<double> linear_centroids(const SortedSample<Real>& sample, size_t k) {
  const double least = sample[0], greatest = sample[sample.size() - 1];
  std::vector<double> centroids(k, std::midpoint(least, greatest));
  for (size_t i = 0; k > 1 && i < k; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(k - 1);
    centroids[i] = least * (1 - share) + greatest * share;
  }
  return ascending(std::move(centroids));
}

template <typename Real>
std::vector<double> density_centroids(const SortedSample<Real>& sample, size_t k) {
  std::vector<double> centroids;
  for (uint64_t i = 0; i < k; ++i) {
    centroids.push_back(sample[static_cast<size_t>((2 * i + 1) * sample.size() / (2 * k))]);
  }
  return ascending(std::move(centroids));
}

template <typename Real>
std::vector<double> forgy_centroids(const SortedSample<Real>& sample, size_t k, uint64_t seed) {
  std::vector<double> centroids;  // ascending
  while (centroids.size() < k) {
    double value = sample[split_mix64(&seed) % sample.size()];
    auto place = std::lower_bound(centroids.begin(), centroids.end(), value);
    while (place != centroids.end() && *place == value) {
      const size_t next = sample.rank(value);
      value = sample[next < sample.size() ? next : 0];
      place = std::lower_bound(centroids.begin(), centroids.end(), value);
    }
    centroids.insert(place, value);
  }
  return centroids;
}

template <typename Real>
std::vector<size_t> cluster_bounds(const SortedSample<Real>& sample,
                                   std::span<const double> centroids) {
  std::vector<size_t> bounds = {0};
  for (size_t i = 1; i < centroids.size(); ++i) {
    bounds.push_back(sample.rank(std::midpoint(centroids[i - 1], centroids[i])));
  }
  bounds.push_back(sample.size());
  return bounds;
}

template <typename Real>
std::vector<double> lloyd(const SortedSample<Real>& sample, std::vector<double> centroids) {
  std::vector<size_t> previous(centroids.size() + 1);
  for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
    std::vector<size_t> bounds = cluster_bounds(sample, centroids);
    if (bounds == previous) break;
    update_means(sample, bounds, previous, &centroids);
    previous = std::move(bounds);
  }
  return centroids;
}

template <typename Real>
std::vector<double> lloyd_filled(const SortedSample<Real>& sample, std::vector<double> centroids,
                                 size_t k) {
  std::vector<size_t> previous(k + 1), filled;
  for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
    std::vector<size_t> bounds = cluster_bounds(sample, centroids);
    if (bounds == previous) break;
    // Equal neighbours are an empty cluster.
    if (bounds.size() == k + 1 &&
        std::adjacent_find(bounds.begin(), bounds.end()) == bounds.end()) {
      update_means(sample, bounds, previous, &centroids);
      previous = std::move(bounds);
      continue;
    }
    if (bounds == filled) break;  // in vain
    ClusterRanges<Real> ranges(sample, bounds);
    while (ranges.size() < k && ranges.split_farthest()) {
    }
    centroids = ranges.centroids();
    filled = std::move(bounds);
    previous.assign(k + 1, 0);
  }
  return centroids;
}

template class SortedSample<float>;
template class SortedSample<double>;
#define DCF_INSTANTIATE(Real)                                                                      \
  template std::vector<double> linear_centroids(const SortedSample<Real>&, size_t);                \
  template std::vector<double> density_centroids(const SortedSample<Real>&, size_t);               \
  template std::vector<double> forgy_centroids(const SortedSample<Real>&, size_t, uint64_t);       \
  template std::vector<size_t> cluster_bounds(const SortedSample<Real>&, std::span<const double>); \
  template std::vector<double> lloyd(const SortedSample<Real>&, std::vector<double>);              \
  template std::vector<double> lloyd_filled(const SortedSample<Real>&, std::vector<double>, size_t);
DCF_INSTANTIATE(float)
DCF_INSTANTIATE(double)
#undef DCF_INSTANTIATE

}  // namespace dcf::impl::compress
