// SPDX-License-Identifier: Apache-2.0
// What decides how the values of a tensor are stored (spec, section 8): counts over all its
// entries, from one pass.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/bucket.h"
#include "codec/bit_reader.h"
#include "codec/code_lengths.h"
#include "encode/content/content.h"
#include "encode/content/work.h"
#include "encode/plan/palette.h"

namespace dcf::impl::encode {

inline constexpr unsigned kPrefixBits = 12;
inline constexpr size_t kPrefixes = size_t{1} << kPrefixBits;

// How often each prefix occurs. Most tensors are small and have few: those before the first that
// occurs and after the last take no memory.
class PrefixCounts {
 public:
  uint64_t first() const { return first_; }
  // Of the prefixes from first() to the last that occurs.
  std::span<const uint64_t> counts() const { return counts_; }
  uint64_t of(uint64_t prefix) const {
    return prefix - first_ < counts_.size() ? counts_[static_cast<size_t>(prefix - first_)] : 0;
  }
  // counts[i] is that of the prefix first + i.
  void add(uint64_t first, std::span<const uint64_t> counts);

 private:
  uint64_t first_ = 0;
  std::vector<uint64_t> counts_;
};

struct ValueStats {
  bool has_values = true;          // else what follows the zeros is empty
  uint64_t entries = 0;            // entries with sparse positions
  uint64_t negative_zeros = 0;     // skipped elements whose sign is kept
  uint64_t zeros = 0;              // all other skipped elements
  std::optional<Palette> palette;  // distinct words of the entries; nothing if they are too many
  PrefixCounts prefixes;           // split: the top 12 bits of the rotated words
  uint64_t mantissa_bits = 0;      // split: the rotated words, joined by "or"
  codec::Histogram symbols{};      // int: counts of the symbols
};

// What is counted: all of it, or only which elements are zero, which takes much less time.
enum class Measure : uint8_t { kAll, kZeros };

// Counts in parallel; what it finds does not depend on how. Fails with LimitMemory, Cancelled, or
// as a store does.
Result<ValueStats> measure_values(const Content& content, Measure measure, const Work& work);

// Whether the values may be split, which is for floats of more than 8 bits.
inline bool is_split(DType dtype) {
  return is_float(dtype) && !is_f8(dtype);
}
// The bucket code of an integer dtype of more than 8 bits.
inline BucketCode int_buckets(DType dtype) {
  return dtype_bits(dtype) == 64 ? kInt64Buckets : kIntBuckets;
}
// The number that the int encoding stores for a word.
inline uint64_t int_number(DType dtype, uint64_t word) {
  if (!is_signed_integer(dtype)) return word;
  const uint32_t bits = dtype_bits(dtype);
  const uint64_t sign = word >> (bits - 1) & 1;
  return ((word << 1) ^ (0 - sign)) & codec::low_mask(bits);
}

}  // namespace dcf::impl::encode
