// SPDX-License-Identifier: Apache-2.0
// Rounding that feeds errors on: the error of each weight goes into the weights of its row that are
// still to be rounded, as far as the moments of the inputs say that they make up for it. Grid,
// symbols and format stay as they are; only which multiple a weight becomes changes.
//
// E. Frantar, D. Alistarh, "Optimal Brain Compression", NeurIPS 2022; E. Frantar et al., "GPTQ",
// ICLR 2023. Here by the factor of the moments itself instead of that of its inverse, which gives
// the same multiples: M = U^T U, so that d M d^T is the sum of (U d)_p^2, and the multiple of
// weight p is the one that brings (U d)_p next to 0, from the last p to the first.
#pragma once

#include "encode/content/moments.h"
#include "encode/round/grid_round.h"

namespace dcf::impl::encode {

// Of the rounding that a tensor has in the end.
struct OutputError {
  double error = 0;    // E|W x - W' x|^2
  double sampled = 0;  // the same of a sample of the rows
  MomentsUse use = MomentsUse::kNone;
};

// Rounds again what round_to_grid() made of `words`, row by row, to the same scales. Inputs of
// greater mean square go first, of equal ones those of lower index. A tenth of the mean of all mean
// squares is added to each, or all of it where the moments are those of fewer inputs than columns
// (damping), so that inputs that were never seen are worth something. A row keeps the multiples
// that it had, the nearest ones, unless the others have less error under the moments as they are.
// Where all moments are 0, all rows do.
//
// A matrix of moments takes 8 cols^2 bytes for each group that is worked on. Where that is beyond
// work.memory, the two vectors are used instead (diagonal and rank one: no matrix, time in
// proportion to the weights); where there are none, those of fit_rank_one().
//
// The moments fit the tensor (check_moments()). InvalidArgument for numbers that cannot be moments;
// LimitMemory, Cancelled or OutOfMemory. The result does not depend on threads.
Result<OutputError> feed_errors(DType dtype, Bytes words, std::span<const uint64_t> dims,
                                const Moments& moments, const Work& work, RoundedTensor* rounded);

// E|W x - W' x|^2 of a tensor that was rounded, of all rows or of the same sample of them. It fails
// as feed_errors() does.
Result<double> measure_error(DType dtype, Bytes words, std::span<const uint64_t> dims,
                             const Moments& moments, bool sampled, const Work& work,
                             const RoundedTensor& rounded);

}  // namespace dcf::impl::encode
