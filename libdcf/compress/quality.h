// SPDX-License-Identifier: Apache-2.0
// How a loss is shared among the tensors of a model. Without data nothing is known of what a tensor
// means to the output, but its size: errors of many weights average out less than their number
// grows, so that at equal output a large tensor may be coarser than a small one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace dcf::impl::compress {

// Signal-to-quantisation-noise ratios of a tensor, in dB: mean square of the weights to that of
// their errors. The range of what may be asked for, and the most that a share of a quality is.
inline constexpr double kLeastSqnr = 6;
inline constexpr double kGreatestSqnr = 100;
inline constexpr double kGreatestShare = 60;

// The SQNR of each tensor of `elements` for a model of `quality` dB: quality - 10 log10(n / m),
// where n are the elements of the tensor and m is the geometric mean of all n, each weighted by
// itself. So the mean over all weights is `quality`, and a model of equal tensors has it in each.
// Tensors without elements get `quality`. Not below kLeastSqnr, nor above kGreatestShare, where the
// errors of other tensors drown those of this one.
//
// `costs`, unless empty: what the output loses when each tensor alone is rounded at one SQNR. Then
// n is the elements divided by the cost: the sum of all losses is least where a tensor loses in
// proportion to its elements, as each 6 dB more are one bit for each of them. A cost of less than
// kLeastCost of their sum counts as that: what no output was seen to use is not worth nothing.
std::vector<double> allot_sqnr(double quality, std::span<const uint64_t> elements,
                               std::span<const double> costs = {});
inline constexpr double kLeastCost = 1e-6;

// The step of a uniform quantiser that leaves this ratio where the weights have the root mean
// square `rms`: its errors are spread evenly over a step (W. Bennett, "Spectra of quantized
// signals", Bell System Technical Journal 27, 1948).
double step_for(double rms, double sqnr_db);

}  // namespace dcf::impl::compress
