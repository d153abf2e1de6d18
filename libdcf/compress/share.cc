// SPDX-License-Identifier: Apache-2.0
#include "compress/share.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "base/bytes.h"
#include "base/float_convert.h"
#include "compress/radix_sort.h"
#include "compress/rate_cluster.h"

namespace dcf::impl::compress {
namespace {

constexpr double kMostLambda = 1e200;  // times bits it stays finite

struct Kept {
  std::vector<float> weights, importance;  // importance: empty for all 1
};

Kept gather_kept(const SharedLayer& layer) {
  size_t count = 0;
  for (size_t i = 0; i < layer.weights.size(); ++i) count += layer.keeps(i);
  Kept kept;
  kept.weights.reserve(count);
  if (layer.importance != nullptr) kept.importance.reserve(count);
  for (size_t i = 0; i < layer.weights.size(); ++i) {
    if (!layer.keeps(i)) continue;
    kept.weights.push_back(layer.weights[i]);
    if (layer.importance != nullptr) kept.importance.push_back(layer.importance[i]);
  }
  return kept;
}

struct Shared {
  std::vector<float> codebook;
  std::vector<uint8_t> codes;  // of the kept weights, 0 for the first centroid
};

Shared share_plainly(std::span<const float> weights, const ShareOptions& options) {
  std::vector<uint8_t> words(weights.size() * sizeof(float));
  for (size_t i = 0; i < weights.size(); ++i)
    store_le(&words[i * sizeof(float)], std::bit_cast<uint32_t>(weights[i]));
  Clustering clustering =
      cluster_words(DType::kF32, words, options.clusters, options.init, options.seed);
  Shared shared;
  for (const uint64_t word : clustering.codebook) {
    shared.codebook.push_back(word_to_float(DType::kF32, word));
  }
  shared.codes = std::move(clustering.codes);
  return shared;
}

// Plain k-means comes first, then bits are priced, then importance. Each stage only lowers its own
// objective, so the result is no worse than those of the stages before.
RateCodebook rate_codebook(const Kept& kept, const ShareOptions& options) {
  std::vector<float> sorted = kept.weights;
  sort_floats(&sorted);
  const SortedSample<float> sample(std::move(sorted));
  const size_t distinct = sample.distinct(options.clusters + 1);
  // With few distinct weights each starts as its own centroid, as the optimum has it.
  const ClusterInit init = distinct > options.clusters ? options.init : ClusterInit::kOptimal;
  std::vector<double> start =
      initial_centroids(sample, std::min(distinct, options.clusters), init, options.seed);
  RateCodebook codebook =
      cluster_by_rate(sample, equal_rates(lloyd(sample, std::move(start))), /*lambda=*/0);
  if (kept.importance.empty()) return cluster_by_rate(sample, std::move(codebook), options.lambda);

  const double total = std::accumulate(kept.importance.begin(), kept.importance.end(), 0.0);
  if (total > 0) {
    const double mean = total / static_cast<double>(kept.importance.size());
    const double lambda = std::min(options.lambda / mean, kMostLambda);
    codebook = cluster_by_rate(sample, std::move(codebook), lambda);
  }
  return cluster_by_rate(kept.weights, kept.importance, std::move(codebook), options.lambda);
}

// Rounds to float, which may make centroids equal: the assigner takes the cheaper.
Shared share_by_rate(const Kept& kept, const ShareOptions& options) {
  RateCodebook rounded = rate_codebook(kept, options);
  for (double& c : rounded.centroids) c = static_cast<float>(c) + 0.0f;  // never -0
  const RateAssigner assigner(rounded.centroids, rounded.costs(options.lambda));
  Shared shared{{}, std::vector<uint8_t>(kept.weights.size())};
  std::array<bool, 256> used{};
  for (size_t i = 0; i < shared.codes.size(); ++i) {
    const float weight = kept.weights[i];
    shared.codes[i] =
        kept.importance.empty() ? assigner.best(weight) : assigner.best(weight, kept.importance[i]);
    used[shared.codes[i]] = true;
  }
  std::vector<uint8_t> order;
  for (size_t i = 0; i < rounded.centroids.size(); ++i) {
    if (used[i]) order.push_back(static_cast<uint8_t>(i));
  }
  std::sort(order.begin(), order.end(),
            [&](uint8_t a, uint8_t b) { return rounded.centroids[a] < rounded.centroids[b]; });
  std::array<uint8_t, 256> rank{};
  for (const uint8_t index : order) {
    rank[index] = static_cast<uint8_t>(shared.codebook.size());
    shared.codebook.push_back(static_cast<float>(rounded.centroids[index]));
  }
  for (uint8_t& code : shared.codes) code = rank[code];
  return shared;
}

// If the mean of a centroid's weights is not 0 but rounds to 0, the centroid becomes the least
// float of its sign, unless there is such a centroid already: a kept weight should not vanish.
void keep_off_zero(const Kept& kept, Shared* shared) {
  std::vector<float>& codebook = shared->codebook;
  const auto zero = std::find(codebook.begin(), codebook.end(), 0.0f);
  if (zero == codebook.end()) return;
  double moment = 0;
  for (size_t i = 0; i < shared->codes.size(); ++i) {
    if (shared->codes[i] != zero - codebook.begin()) continue;
    const double importance = kept.importance.empty() ? 1 : kept.importance[i];
    moment += importance * kept.weights[i];
  }
  const float least =
      std::copysign(std::numeric_limits<float>::denorm_min(), moment < 0 ? -1.0f : 1.0f);
  if (moment != 0 && std::find(codebook.begin(), codebook.end(), least) == codebook.end()) {
    *zero = least;
  }
}

}  // namespace

std::vector<float> share_weights(const SharedLayer& layer, const ShareOptions& options,
                                 uint8_t* codes) {
  const Kept kept = gather_kept(layer);
  Shared shared;
  if (!kept.weights.empty()) {
    const bool plain = options.lambda == 0 && layer.importance == nullptr;
    shared = plain ? share_plainly(kept.weights, options) : share_by_rate(kept, options);
    keep_off_zero(kept, &shared);
  }
  size_t next = 0;
  for (size_t i = 0; i < layer.weights.size(); ++i) {
    codes[i] = layer.keeps(i) ? static_cast<uint8_t>(shared.codes[next++] + 1) : 0;
  }
  return std::move(shared.codebook);
}

void assign_weights(const SharedLayer& layer, const RateAssigner& assigner, uint8_t* codes) {
  for (size_t i = 0; i < layer.weights.size(); ++i) {
    const float weight = layer.weights[i];
    codes[i] = 0;
    if (!layer.keeps(i)) continue;
    const uint8_t best = layer.importance == nullptr ? assigner.best(weight)
                                                     : assigner.best(weight, layer.importance[i]);
    codes[i] = static_cast<uint8_t>(best + 1);
  }
}

uint8_t greatest_code(std::span<const uint8_t> codes) {
  uint8_t greatest = 0;
  for (const uint8_t code : codes) greatest = std::max(greatest, code);
  return greatest;
}

void expand_codes(std::span<const uint8_t> codes, std::span<const float> codebook, float* weights) {
  std::array<float, 256> table{};  // the first entry is that of pruned weights
  std::copy(codebook.begin(), codebook.end(), table.begin() + 1);
  for (size_t i = 0; i < codes.size(); ++i) weights[i] = table[codes[i]];
}

bool sum_gradients(std::span<const float> gradients, const uint8_t* codes, std::span<double> sums) {
  std::array<double, 256> table{};
  bool finite = true;
  for (size_t i = 0; i < gradients.size(); ++i) {
    finite &= std::isfinite(gradients[i]);
    table[codes[i]] += gradients[i];
  }
  if (finite) std::copy_n(table.begin() + 1, sums.size(), sums.begin());
  return finite;
}

}  // namespace dcf::impl::compress
