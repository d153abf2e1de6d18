// SPDX-License-Identifier: Apache-2.0
// `--quality`: levels by name, what they mean for each tensor, and about how small a file gets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/tensor_meta.h"

namespace dcf::tools {

// The mean signal-to-noise ratio of a model's weights, in dB.
inline constexpr double kLeastQuality = 6;
inline constexpr double kGreatestQuality = 60;
inline constexpr double kNearLossless = 50;
inline constexpr double kBalanced = 40;
inline constexpr double kSmallQuality = 30;
inline constexpr double kTiny = 20;

// "near-lossless", "balanced", "small", "tiny" or a number of dB within the limits; nothing for any
// other text.
std::optional<double> quality_of(std::string_view text);
// What quality_of() accepts, for messages.
std::string quality_names();
// The name of a level, or a number with its unit.
std::string quality_text(double quality);

// Whether tensors of this type may be rounded.
bool may_be_rounded(dcf_dtype dtype);

// The SQNR of each tensor in dB, of so many elements and these costs (dcf_allot_quality()), of
// which there may be none.
std::vector<double> sqnr_of(double quality, const std::vector<uint64_t>& elements,
                            const std::vector<double>& costs);

// Bits that a weight takes about, by the entropy of a uniform quantiser on normally distributed
// weights less what trellis values save; no code is shorter than a bit.
double bits_of(double sqnr_db);

}  // namespace dcf::tools
