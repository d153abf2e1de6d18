// SPDX-License-Identifier: Apache-2.0
// Tiny tensors whose chunk bytes are written down by hand, so that a test can name the byte that
// breaks a rule.
#pragma once

#include <gtest/gtest.h>

#include "support/sample.h"

namespace dcf::impl::testing {

// The words with one element of value 1 and one of value 2, the rest zero.
inline Sample two_entries(std::vector<uint64_t> dims, size_t one, size_t two,
                          format::Encoding encoding, DType dtype = DType::kF32) {
  Sample s;
  s.dtype = dtype;
  s.encoding = encoding;
  uint64_t n = 1;
  for (const uint64_t d : dims) n *= d;
  s.dims = std::move(dims);
  s.words.assign(n, 0);
  s.words[one] = is_float(dtype) ? float_word(1) : 1;
  s.words[two] = is_float(dtype) ? float_word(2) : 2;
  return s;
}

inline format::Encoding encoding(format::Positions positions, format::Values values) {
  format::Encoding e;
  e.positions = positions;
  e.values = values;
  if (positions == format::Positions::kGap) e.gap_bits = 2;
  if (positions == format::Positions::kGapBucket) e.bucket_t = 2;
  if (values == format::Values::kSplit) e.split_t = 8;
  return e;
}

// The file is sound with `good` as its first chunk, and breaks the rule, at that chunk, with `bad`.
inline void expect_chunk(const Sample& sample, const Blob& good, const Blob& bad, Code code,
                         const char* rule, uint32_t entries_with_bad = UINT32_MAX) {
  FileParts parts = make_parts({sample});
  EXPECT_EQ(parts.chunks[0], good);
  Status s = check_bytes(assemble(parts));
  EXPECT_TRUE(s.ok()) << s.rule << ": " << s.message;
  parts.chunks[0] = bad;
  if (entries_with_bad != UINT32_MAX) parts.columns.chunk_entries[0] = entries_with_bad;
  const Blob file = assemble(parts);
  s = check_bytes(file);
  EXPECT_EQ(s.code, code) << s.message;
  EXPECT_STREQ(s.rule, rule) << s.message;
  EXPECT_EQ(s.tensor, 0u);
  EXPECT_EQ(s.offset, file.size() - bad.size());
}

}  // namespace dcf::impl::testing
