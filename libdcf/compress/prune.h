// SPDX-License-Identifier: Apache-2.0
// Magnitude pruning (Deep Compression, section 2): which weights of a tensor stay.
//
// Input: words of a float dtype (1..6). The caller must exclude NaN and Inf.
// Output: a mask of ceil(n / 64) words; bit i % 64 of word i / 64 is set where element i stays.
// Zeros of either sign never stay. Pure functions in O(n) time; besides the mask they allocate a
// fixed 512 KiB.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/dtype.h"

namespace dcf::impl::compress {

// Removes the round(sparsity * n) elements of least magnitude, halves rounded up; of equal
// magnitudes the lower indices go first. sparsity: [0, 1); 0 keeps every nonzero.
std::vector<uint64_t> prune_to_sparsity(DType dtype, Bytes words, double sparsity);

// Keeps magnitudes of at least quality * the standard deviation of all n elements: the rule of the
// pruning method the paper builds on (Han, Pool, Tran, Dally, "Learning both Weights and
// Connections for Efficient Neural Networks", NIPS 2015, section 3). quality: not negative.
std::vector<uint64_t> prune_by_deviation(DType dtype, Bytes words, double quality);

}  // namespace dcf::impl::compress
