// SPDX-License-Identifier: Apache-2.0
// Lossless palettes: tensors with at most 256 distinct bit patterns (spec, sections 5.2 and 8.1).
// Bit patterns are compared, not values: +0 and -0 are two entries, NaNs are entries as any word.
// Dtypes 1..15. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/dtype.h"

namespace dcf::impl {

inline constexpr size_t kMaxPalette = 256;

struct Palette {
  std::vector<uint64_t> words;   // distinct, in increasing order of codebook_key
  std::vector<uint64_t> counts;  // of each word, at least 1
};

// The palette of all words, or nothing if there are more than kMaxPalette distinct ones. The scan
// ends at the first word too many.
std::optional<Palette> find_palette(DType dtype, Bytes words);

// codes[i] = index of word i in codebook. The codebook has at most kMaxPalette distinct words of
// the dtype and contains every word of `words`. codes.size() is the number of words.
void encode_palette(DType dtype, std::span<const uint64_t> codebook, Bytes words,
                    std::span<uint8_t> codes);

}  // namespace dcf::impl
