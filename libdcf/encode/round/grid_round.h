// SPDX-License-Identifier: Apache-2.0
// Rounds the weights of a tensor to a uniform grid: whole multiples of a scale, one scale for the
// tensor or for each row or column.
//
// A uniform grid with entropy-coded multiples is within 0.25 bit a weight of the best that any
// scalar quantiser does at the same mean square error (H. Gish, J. Pierce, "Asymptotically
// efficient quantizing", IEEE Trans. Information Theory 14, 1968), so only the step is chosen.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/big_vector.h"
#include "base/bytes.h"
#include "base/dtype.h"
#include "encode/content/content.h"
#include "encode/content/grid_scales.h"
#include "encode/content/moments.h"
#include "encode/content/work.h"

namespace dcf::impl::encode {

struct RoundedTensor {
  GridScales grid;
  format::Values values = format::Values::kGrid;  // or kTrellis
  BigVector<uint8_t> words;     // float(k) * scale in the dtype, k being a whole number
  BigVector<uint32_t> numbers;  // what stands for the k in these values
  BigVector<uint8_t> symbols;   // of the numbers, in kIntBuckets
  double greatest_error = 0;
  // Where there were moments: E|W x - W' x|^2, and how they were used.
  double output_error = 0;
  MomentsUse use = MomentsUse::kNone;
};

// Rounds all elements of a tensor, little-endian words, such that the mean square of the weights is
// at least about `sqnr_db` above that of their errors; rows or columns get scales of their own
// where these save bits. In the kernels of convolutions the sums of what an output channel reads
// are kept to half a step, as inputs of one sign make their errors add up (C. Guo et al., "SQuant",
// ICLR 2022). Where the rows allow it the multiples are trellis values (encode/round/trellis.h),
// whose scales are finer. With moments, which fit the tensor, errors are fed on instead
// (encode/round/error_feedback.h): inputs of one sign are in these. A scale has 12 significant
// bits, so that multiples up to 4096 are exact floats.
//
// Nothing where the tensor is kept as it is: it holds NaN or Inf, is all zero, or so small or
// large that a step is no normal float, or an element is kMaxGridInteger steps or more; nearly all
// weights would vanish beside a few outliers; or nothing changes. The result does not depend on
// threads. Takes what the result does from work.memory: fails with LimitMemory, Cancelled or
// OutOfMemory; with InvalidArgument for numbers that are no moments.
Result<std::optional<RoundedTensor>> round_to_grid(DType dtype, Bytes words,
                                                   std::span<const uint64_t> dims, double sqnr_db,
                                                   const Work& work,
                                                   const Moments* moments = nullptr);

// Bytes of a rounded tensor of so many elements.
constexpr uint64_t rounded_bytes(uint64_t elements, uint32_t bits) {
  return elements * (bits / 8 + sizeof(uint32_t) + 1);
}

}  // namespace dcf::impl::encode
