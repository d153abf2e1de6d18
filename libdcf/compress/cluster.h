// SPDX-License-Identifier: Apache-2.0
// Weight sharing (Deep Compression, section 3): a tensor's weights become codes into a small
// codebook of centroids of one-dimensional k-means.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/dtype.h"
#include "compress/kmeans.h"

namespace dcf::impl::compress {

// Where the centroids start; the numbers of dcf_init. Every choice but kOptimal ends with Lloyd's
// algorithm run to convergence, kOptimal is the global optimum (kmeans_optimal.h: for more than
// 2^16 distinct values an optimum over cells, refined by Lloyd's algorithm).
enum class ClusterInit : uint8_t { kLinear = 0, kDensity = 1, kForgy = 2, kOptimal = 3 };

struct Clustering {
  std::vector<uint64_t> codebook;  // words of the dtype, strictly increasing in value, never -0
  std::vector<uint8_t> codes;      // one per input word: its index in codebook
};

// The initial centroids of `init`: between 1 and k of them, ascending and distinct. The sample has
// at least k distinct values. `seed` is used by kForgy alone.
template <typename Real>
std::vector<double> initial_centroids(const SortedSample<Real>& sample, size_t k, ClusterInit init,
                                      uint64_t seed);

// Clusters words of a float dtype (1..6) into at most max_clusters (1..256) centroids. The caller
// must exclude NaN and Inf. The centroids are rounded to the dtype, and equal ones merged; then
// each word takes the nearest, at equal distance the lower, and unused centroids are dropped. If
// there are at most max_clusters distinct values, each is its own centroid. A centroid may be zero.
// `seed` is used by kForgy alone. The codebook does not depend on the order of the words. With
// `fill` there are max_clusters centroids wherever there are as many distinct values
// (lloyd_filled); without it fewer where clusters end empty. Pure function; besides the result it
// allocates about 8 bytes per word, and up to 40 MiB for kOptimal.
Clustering cluster_words(DType dtype, Bytes words, size_t max_clusters, ClusterInit init,
                         uint64_t seed, bool fill = false);

}  // namespace dcf::impl::compress
