// SPDX-License-Identifier: Apache-2.0
#include "codec/codebook.h"

#include <gtest/gtest.h>

#include <cstring>

#include "codec/bit_writer.h"
#include "samples.h"

namespace dcf::impl::codec {
namespace {

using testing::Random;

constexpr DType kDTypes[] = {DType::kU8,         DType::kI8,        DType::kF8E5M2, DType::kU16,
                             DType::kI16,        DType::kBF16,      DType::kU32,    DType::kI32,
                             DType::kF32,        DType::kU64,       DType::kI64,    DType::kF64,
                             DType::kF8E4M3FNUZ, DType::kF8E5M2FNUZ};

TEST(CodebookKey, IsABijection) {
  for (const DType dtype : {DType::kU16, DType::kI16, DType::kF16}) {
    std::vector<bool> seen(1 << 16);
    for (uint64_t word = 0; word < 1 << 16; ++word) {
      const uint64_t key = codebook_key(dtype, word);
      ASSERT_LT(key, 1u << 16);
      ASSERT_FALSE(seen[key]);
      seen[key] = true;
      ASSERT_EQ(codebook_word(dtype, key), word);
    }
  }
}

TEST(CodebookKey, OrdersByValue) {
  const float floats[] = {-2.0f, -1.5f, -0.0f, 0.0f, 1e-40f, 3.0f};
  for (size_t i = 1; i < std::size(floats); ++i) {
    uint32_t words[2];
    std::memcpy(words, &floats[i - 1], sizeof words);
    EXPECT_LT(codebook_key(DType::kF32, words[0]), codebook_key(DType::kF32, words[1]));
  }
  EXPECT_LT(codebook_key(DType::kI8, 0x80), codebook_key(DType::kI8, 0x7F));
  EXPECT_LT(codebook_key(DType::kU8, 0x7F), codebook_key(DType::kU8, 0x80));
}

// Distinct sorted words: far apart, or close together.
std::vector<uint64_t> random_book(Random& random, size_t size, DType dtype) {
  const unsigned width = dtype_bits(dtype);
  std::vector<uint64_t> keys;
  const unsigned spread = static_cast<unsigned>(8 + random() % (width - 7));
  const uint64_t base = random() & low_mask(width) & ~low_mask(spread);
  while (keys.size() < size) {
    keys.push_back(base | (random() & low_mask(spread)));
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  }
  for (uint64_t& key : keys) key = codebook_word(dtype, key);
  return keys;
}

TEST(Codebook, RoundTripsAndRejectsEveryTruncation) {
  Random random(10);
  for (unsigned round = 0; round < 140; ++round) {
    for (const DType dtype : kDTypes) {
      const size_t size = 1 + random() % (round % 4 ? 20 : 256);
      std::vector<uint64_t> words = random_book(random, size, dtype);
      std::vector<uint8_t> bytes;
      ASSERT_TRUE(append_codebook(words, dtype, &bytes).ok());
      std::shuffle(words.begin(), words.end(), random);
      sort_codebook(words, dtype);
      std::vector<uint8_t> longer = bytes;
      longer.push_back(0xA5);
      ByteReader in(longer);
      std::vector<uint64_t> out(size);
      const Status status = parse_codebook(&in, dtype, out);
      ASSERT_TRUE(status.ok()) << status.message;
      EXPECT_EQ(out, words);
      EXPECT_EQ(in.position(), bytes.size());
      const std::vector<uint8_t> shorter(bytes.begin(), bytes.end() - 1);
      ByteReader truncated(shorter);
      const Status failed = parse_codebook(&truncated, dtype, out);
      EXPECT_EQ(failed.code, Code::BadSection);
      EXPECT_STREQ(failed.rule, "T-06");
      EXPECT_EQ(truncated.position(), 0u);
    }
  }
}

TEST(Codebook, WhatIsAcceptedIsIncreasingAndTheOnlyStringOfItsOrder) {
  Random random(11);
  size_t accepted = 0;
  for (unsigned round = 0; round < 20000; ++round) {
    const DType dtype = kDTypes[random() % std::size(kDTypes)];
    const unsigned width = dtype_bits(dtype);
    std::vector<uint8_t> bytes(1 + random() % 40);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    bytes[0] = static_cast<uint8_t>(random() % (width + 1));
    std::vector<uint64_t> words(1 + random() % 8);
    ByteReader in(bytes);
    if (!parse_codebook(&in, dtype, words).ok()) continue;
    ++accepted;
    std::vector<uint8_t> again = {bytes[0]};
    BitWriter writer(&again);
    uint64_t key = codebook_key(dtype, words[0]);
    writer.put(key, width);
    for (size_t i = 1; i < words.size(); ++i) {
      const uint64_t next = codebook_key(dtype, words[i]);
      ASSERT_GT(next, key);
      const uint64_t u = ((next - key - 1) >> bytes[0]) + 1;
      const unsigned n = static_cast<unsigned>(std::bit_width(u)) - 1;
      for (unsigned j = 0; j < n; ++j) writer.put(1, 1);
      writer.put(0, 1);
      writer.put(u, n);
      writer.put(next - key - 1, bytes[0]);
      key = next;
    }
    writer.finish();
    bytes.resize(in.position());
    ASSERT_EQ(again, bytes);
  }
  EXPECT_GT(accepted, 1000u);
}

TEST(Codebook, TheFarthestKeysFit) {
  for (const DType dtype : {DType::kU8, DType::kU16, DType::kU32, DType::kU64}) {
    const std::vector<uint64_t> words = {0, low_mask(dtype_bits(dtype))};
    std::vector<uint8_t> bytes;
    ASSERT_TRUE(append_codebook(words, dtype, &bytes).ok());
    std::vector<uint64_t> out(2);
    ByteReader in(bytes);
    ASSERT_TRUE(parse_codebook(&in, dtype, out).ok());
    EXPECT_EQ(out, words);
  }
}

TEST(Codebook, BrokenRules) {
  const auto parse = [](const std::vector<uint8_t>& bytes, size_t size) {
    ByteReader in(bytes);
    std::vector<uint64_t> words(size);
    return parse_codebook(&in, DType::kU8, words);
  };
  EXPECT_TRUE(parse({0, 7}, 1).ok());
  EXPECT_EQ(parse({1, 7}, 1).code, Code::BadCodebook);     // k of a single word
  EXPECT_EQ(parse({8, 7, 0}, 2).code, Code::BadCodebook);  // k too large
  EXPECT_TRUE(parse({0, 254, 0}, 2).ok());
  EXPECT_EQ(parse({0, 255, 0}, 2).code, Code::BadCodebook);  // no key left
  EXPECT_EQ(parse({0, 254, 1}, 2).code, Code::BadCodebook);  // beyond the last key
  EXPECT_EQ(parse({0, 254, 2}, 2).code, Code::BadCodebook);  // padding
  EXPECT_EQ(parse({0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255}, 2).code, Code::BadCodebook);
  EXPECT_EQ(parse({}, 1).code, Code::BadSection);
  std::vector<uint8_t> out;
  EXPECT_FALSE(append_codebook(std::vector<uint64_t>{}, DType::kU8, &out).ok());
  EXPECT_FALSE(append_codebook(std::vector<uint64_t>{3, 3}, DType::kU8, &out).ok());
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace dcf::impl::codec
