// SPDX-License-Identifier: Apache-2.0
// Entropy-constrained k-means of weights with importance (Chou, Lookabaugh, Gray, "Entropy-
// constrained vector quantization", 1989; Choi, El-Khamy, Lee, "Towards the limit of network
// quantization", 2017). Minimises the sum of importance * (w - c)^2 + lambda * bits, where bits is
// -log2 of the share of a code, by improving codes, centroids and bits in turn.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compress/kmeans.h"

namespace dcf::impl::compress {

// Centroids in any order, and the bits of their codes: +Inf for one that no weight takes.
struct RateCodebook {
  std::vector<double> centroids;
  std::vector<double> bits;

  std::vector<double> costs(double lambda) const;
};

// Starting centroids, all codes of equal length.
RateCodebook equal_rates(std::vector<double> centroids);

// One turn over all weights: the best codes (out, one per weight) for the given codebook, then the
// best codebook for those codes. With it the objective is no higher than with the old codebook and
// any codes. A centroid whose weights have no importance stays where it is.
RateCodebook rate_turn(std::span<const float> weights, std::span<const float> importance,
                       const RateCodebook& codebook, double lambda, std::span<uint8_t> codes);

// Takes turns until no code changes. Every weight has importance 1. There is at least one weight.
RateCodebook cluster_by_rate(const SortedSample<float>& weights, RateCodebook start, double lambda);

// The same with one importance per weight. More than 2^16 weights are first gathered into at most
// 2^16 cells of similar weight and importance; after the turns over cells there are turns over all
// weights until 2^24 weights have been visited, at least two.
RateCodebook cluster_by_rate(std::span<const float> weights, std::span<const float> importance,
                             RateCodebook start, double lambda);

}  // namespace dcf::impl::compress
