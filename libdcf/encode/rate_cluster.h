// SPDX-License-Identifier: Apache-2.0
// Entropy-constrained k-means of weights with importance (Chou, Lookabaugh, Gray, "Entropy-
// constrained vector quantization", 1989; Choi, El-Khamy, Lee, "Towards the limit of network
// quantization", 2017): minimises the sum of importance * (w - c)^2 + lambda * bits, bits being
// -log2 of the share of a code, by turns over codes, centroids and bits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "encode/kmeans.h"

namespace dcf::impl {

// Centroids in any order, and the bits of their codes: +Inf for one that no weight takes.
struct RateCodebook {
  std::vector<double> centroids;
  std::vector<double> bits;

  std::vector<double> costs(double lambda) const;
};

// Starting centroids, all codes of equal length.
RateCodebook equal_rates(std::vector<double> centroids);

// One turn over all weights: codes (out, one per weight) for the given codebook, and the best
// codebook for those codes. The objective of the codes and the new codebook is not above that of
// any codes and the old one. A centroid whose weights have no importance stays where it is.
RateCodebook rate_turn(std::span<const float> weights, std::span<const float> importance,
                       const RateCodebook& codebook, double lambda, std::span<uint8_t> codes);

// Turns until no code changes; `importance` of every weight is 1. Weights are not empty.
RateCodebook cluster_by_rate(const SortedSample<float>& weights, RateCodebook start, double lambda);

// The same with importance, one per weight. Above 2^16 weights: turns over at most 2^16 cells of
// similar weights and importance, then over all until 2^24 weights were visited, at least twice.
RateCodebook cluster_by_rate(std::span<const float> weights, std::span<const float> importance,
                             RateCodebook start, double lambda);

}  // namespace dcf::impl
