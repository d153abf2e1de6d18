// SPDX-License-Identifier: Apache-2.0
// The Cholesky decomposition of a symmetric, positive definite matrix (G. Golub, C. Van Loan,
// "Matrix Computations", 4th ed., section 4.2.9: in blocks). The order of all sums is fixed, so
// that a result does not depend on threads, vectors or the machine.
#pragma once

#include <cstddef>
#include <span>

#include "encode/content/work.h"

namespace dcf::impl::encode {

// Replaces the upper triangle of A, n rows of n, by that of U where A = U^T U; what is below the
// diagonal is neither read nor written. false where a pivot, that is the square of an element of
// the diagonal of U, would be less than `least_pivot`, which is greater than 0: then A has an
// eigenvalue that is less. n^3 / 6 products. Cancelled, where `progress` is not NULL, or as
// run_fallible().
Result<bool> factor_upper(std::span<double> a, size_t n, double least_pivot,
                          const Parallel& parallel, const Progress* progress);

}  // namespace dcf::impl::encode
