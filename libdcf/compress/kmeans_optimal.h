// SPDX-License-Identifier: Apache-2.0
// Optimal one-dimensional k-means by dynamic programming (Wang, Song, "Ckmeans.1d.dp", The R
// Journal 2011; Grønlund et al., "Fast Exact k-Means, k-Medians and Bregman Divergence Clustering
// in 1D", 2017): divide and conquer over the monotone splits, O(k m log m) time and 2 k m bytes of
// memory for m cells.
#pragma once

#include <vector>

#include "compress/kmeans.h"

namespace dcf::impl::compress {

// Means of the k clusters of least total squared distance, ascending. The sample has at least k
// distinct values, k <= 256. Up to 2^16 distinct values are one cell each and the result is the
// optimum, as far as doubles tell: differences in distance below about 1e-13 of the sample's total
// square, n times its variance, are rounding. More values are first gathered into at most 2^16
// cells of neighbours, cut both at 2^15 quantiles of the distinct values and at 2^15 equal widths;
// the result is then the optimum over cells. Call lloyd() on the sample to refine it.
template <typename Real>
std::vector<double> optimal_centroids(const SortedSample<Real>& sample, size_t k);

}  // namespace dcf::impl::compress
