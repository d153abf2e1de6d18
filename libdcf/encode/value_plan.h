// SPDX-License-Identifier: Apache-2.0
// The ways to store the values of a tensor (spec, section 8), and the size of each. One pass over
// the entries gives the sizes for all positions.
#pragma once

#include <optional>
#include <vector>

#include "encode/content.h"
#include "encode/palette.h"
#include "encode/stream_plan.h"
#include "encode/work.h"

namespace dcf::impl {

inline constexpr size_t kPrefixes = size_t{1} << 12;  // of 12 bits

struct ValueStats {
  uint64_t entries = 0;            // entries with sparse positions
  uint64_t negative_zeros = 0;     // skipped elements whose sign is kept
  uint64_t zeros = 0;              // all other skipped elements
  std::optional<Palette> palette;  // distinct words of the entries; nothing if they are too many
  std::vector<uint64_t> prefixes;  // split: counts of the top 12 bits of the rotated words
  uint64_t mantissa_bits = 0;      // split: the rotated words, joined by "or"
  Histogram symbols{};             // int: counts of the symbols
};

// Fails with Cancelled, or as a store does.
Result<ValueStats> measure_values(const Content& content, const Work& work);

// Elements that are coded besides the entries.
struct ExtraValues {
  uint64_t zeros = 0;      // elements or fillers
  uint64_t negatives = 0;  // elements that are -0
};

struct ValuePlan {
  Encoding encoding;  // the fields of the values
  std::vector<uint64_t> codebook;
  StreamPlan stream;
  uint64_t bytes = 0;  // streams, table, codebook and parameters
};

// One plan for each encoding that the dtype and the values allow, except raw, in order of the ids;
// several for split. `chunks`: the number of chunks with entries.
std::vector<ValuePlan> plan_values(const Content& content, const ValueStats& stats,
                                   Positions positions, ExtraValues extra, uint64_t chunks);

// The bucket code of an integer dtype of more than 8 bits.
BucketCode int_buckets(DType dtype);
// The number that the int encoding stores for a word.
uint64_t int_number(DType dtype, uint64_t word);

// The word with its sign moved to the lowest bit (spec, section 8.2).
inline uint64_t rotate_word(uint64_t word, uint32_t bits) {
  return (word << 1 | word >> (bits - 1)) & low_mask(bits);
}

}  // namespace dcf::impl
