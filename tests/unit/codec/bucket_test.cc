// SPDX-License-Identifier: Apache-2.0
#include "base/bucket.h"

#include <gtest/gtest.h>

#include "samples.h"

namespace dcf::impl::codec {
namespace {

using testing::Random;

// The numbers at which something changes, and some others.
std::vector<uint64_t> numbers_below(Random& random, unsigned bits) {
  std::vector<uint64_t> out = {0};
  for (unsigned e = 0; e < bits; ++e) {
    const uint64_t high = uint64_t{1} << e;
    for (const uint64_t v : {high - 1, high, high + 1, high | random() % high}) {
      if (bits == 64 || v >> bits == 0) out.push_back(v);
    }
  }
  return out;
}

TEST(Bucket, SymbolAndExtraBitsGiveTheNumber) {
  Random random(3);
  for (unsigned t = 2; t <= 7; ++t) {
    for (unsigned s = 0; s <= 2; ++s) {
      const BucketCode code{t, s};
      const unsigned bits = code.alphabet(64) <= kMaxSymbols ? 64 : 32;
      for (const uint64_t v : numbers_below(random, bits)) {
        const unsigned symbol = code.symbol(v);
        ASSERT_LT(symbol, code.alphabet(bits));
        const unsigned extra = code.extra_bits(symbol);
        ASSERT_LT(extra, 64u);
        ASSERT_EQ(code.base(symbol) + (v & ((uint64_t{1} << extra) - 1)), v);
        ASSERT_EQ(code.base(symbol) >> extra, v >> extra);
      }
    }
  }
}

TEST(Bucket, SymbolsCoverTheNumbersWithoutGaps) {
  for (unsigned t = 2; t <= 7; ++t) {
    for (unsigned s = 0; s <= 2; ++s) {
      const BucketCode code{t, s};
      uint64_t next = 0;
      for (unsigned symbol = 0; symbol < code.alphabet(kGapBits); ++symbol) {
        ASSERT_EQ(code.base(symbol), next);
        next += uint64_t{1} << code.extra_bits(symbol);
      }
      EXPECT_EQ(next, uint64_t{1} << kGapBits);
    }
  }
}

template <typename T>
void check_round_trip(Random& random, BucketCode code, unsigned bits, size_t n) {
  const unsigned alphabet = code.alphabet(bits);
  std::vector<T> numbers(n);
  for (T& v : numbers) v = static_cast<T>(random() >> (64 - 1 - random() % bits));
  std::vector<uint8_t> symbols(n);
  ASSERT_TRUE(bucket_symbols<T>(numbers, code, alphabet, symbols).ok());
  const Histogram histogram = histogram_of(symbols);
  const auto lengths = optimal_code_lengths(histogram);
  const CodeLengths* table = lengths.ok() ? &lengths.value() : nullptr;
  std::vector<uint8_t> bytes;
  encode_bucket_stream<T>(numbers, symbols, code, alphabet, table, HuffmanLayout::kAuto, &bytes);

  std::optional<DecodeTable> tables;
  if (table != nullptr) tables.emplace(*table);
  const DecodeTable* decode_table = tables ? &*tables : nullptr;
  std::vector<T> out(n);
  std::vector<uint8_t> scratch(bucket_scratch_size(n));
  ByteReader in(bytes);
  ASSERT_TRUE(decode_bucket_stream<T>(&in, code, alphabet, decode_table, out, scratch).ok());
  EXPECT_EQ(in.remaining(), 0u);
  EXPECT_EQ(out, numbers);

  const uint64_t extra = bucket_extra_size(histogram, code);
  ByteReader only_symbols(bytes);
  ASSERT_TRUE(decode_stream(&only_symbols, alphabet, decode_table, symbols, scratch).ok());
  EXPECT_EQ(only_symbols.remaining(), extra);

  // Every truncation in the extra bits is noticed, and so is padding.
  for (size_t cut = 1; cut <= std::min<uint64_t>(extra, 9); ++cut) {
    ByteReader shorter(Bytes(bytes).first(bytes.size() - cut));
    EXPECT_EQ(decode_bucket_stream<T>(&shorter, code, alphabet, decode_table, out, scratch).code,
              Code::BadBitstream);
  }
  uint64_t extra_bits = 0;
  for (const uint8_t symbol : symbols) extra_bits += code.extra_bits(symbol);
  if (extra_bits % 8 != 0) {
    bytes.back() |= 0x80;
    ByteReader padded(bytes);
    const Status status =
        decode_bucket_stream<T>(&padded, code, alphabet, decode_table, out, scratch);
    EXPECT_EQ(status.code, Code::BadBitstream);
    EXPECT_STREQ(status.rule, "S-02");
  }
}

TEST(BucketStream, RoundTrips) {
  Random random(4);
  for (const size_t n : {1, 2, 63, 64, 65, 1000, 4096, 5000}) {
    for (unsigned t = 2; t <= 7; ++t) {
      for (unsigned s = 0; s <= 2; ++s) {
        check_round_trip<uint32_t>(random, {t, s}, kGapBits, n);
      }
    }
    check_round_trip<uint32_t>(random, kCountBuckets, kCountBits, n);
    check_round_trip<uint32_t>(random, kIntBuckets, 32, n);
    check_round_trip<uint64_t>(random, kIntBuckets, 32, n);
    check_round_trip<uint64_t>(random, kInt64Buckets, 64, n);
  }
}

TEST(BucketStream, NumbersOutsideTheAlphabetAreRefused) {
  std::vector<uint8_t> symbols(1);
  const std::vector<uint32_t> most = {(1u << 22) - 1};
  const std::vector<uint32_t> more = {1u << 22};
  const BucketCode code{4, 1};
  EXPECT_TRUE(bucket_symbols<uint32_t>(most, code, code.alphabet(22), symbols).ok());
  EXPECT_EQ(bucket_symbols<uint32_t>(more, code, code.alphabet(22), symbols).code,
            Code::InvalidArgument);
}

}  // namespace
}  // namespace dcf::impl::codec
