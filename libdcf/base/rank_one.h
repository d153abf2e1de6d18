// SPDX-License-Identifier: Apache-2.0
// The nearest that two vectors come to a matrix of second moments: diag(s - m m^T) + m m^T with its
// diagonal s, and m the eigenvector of its greatest eigenvalue, whose squared length that is.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

namespace dcf::impl {

// `read_row(i, row)` gives row i of the symmetric matrix, in `row`; it is called for all rows in
// order, several times over (power iteration). `mean` and `mean_square`: out, n each. An element of
// m^2 is never more than that of s. Finite for finite positive semidefinite matrices.
void fit_rank_one(size_t n, const std::function<void(size_t i, std::span<float> row)>& read_row,
                  std::span<float> mean, std::span<float> mean_square);

}  // namespace dcf::impl
