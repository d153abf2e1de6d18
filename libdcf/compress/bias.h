// SPDX-License-Identifier: Apache-2.0
// Quantisation of biases. They are too few for a codebook, but not free: 32-bit biases are a
// seventh of a LeNet-300-100 that is compressed a hundredfold.
#pragma once

#include <cstdint>
#include <span>

namespace dcf::impl::compress {

// Rounds to multiples of the smallest power of two, at least 2^-24, for which the results are among
// at most 2^bits neighbouring multiples and at most 2048 steps from 0. So they are exact in
// binary16 up to its greatest number. bits: 1..16; magnitudes below 2^127. `out` has the size of
// `bias`, and may be `bias` itself.
void quantize_bias(std::span<const float> bias, uint32_t bits, float* out);

}  // namespace dcf::impl::compress
