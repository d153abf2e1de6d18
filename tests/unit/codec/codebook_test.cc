// SPDX-License-Identifier: Apache-2.0
#include "codec/codebook.h"

#include <gtest/gtest.h>

#include <bit>

#include "codec/bit_writer.h"
#include "samples.h"

namespace dcf::impl {
namespace {

using testing::Random;

constexpr WordOrder kOrders[] = {WordOrder::kUnsigned, WordOrder::kSigned, WordOrder::kFloat};
constexpr unsigned kWidths[] = {8, 16, 32, 64};

TEST(CodebookKey, IsABijection) {
  for (const WordOrder order : kOrders) {
    std::vector<bool> seen(1 << 16);
    for (uint64_t word = 0; word < 1 << 16; ++word) {
      const uint64_t key = key_of_word(word, 16, order);
      ASSERT_LT(key, 1u << 16);
      ASSERT_FALSE(seen[key]);
      seen[key] = true;
      ASSERT_EQ(word_of_key(key, 16, order), word);
    }
  }
}

TEST(CodebookKey, OrdersByValue) {
  const float floats[] = {-2.0f, -1.5f, -0.0f, 0.0f, 1e-40f, 3.0f};
  for (size_t i = 1; i < std::size(floats); ++i) {
    EXPECT_LT(key_of_word(std::bit_cast<uint32_t>(floats[i - 1]), 32, WordOrder::kFloat),
              key_of_word(std::bit_cast<uint32_t>(floats[i]), 32, WordOrder::kFloat));
  }
  EXPECT_LT(key_of_word(0x80, 8, WordOrder::kSigned), key_of_word(0x7F, 8, WordOrder::kSigned));
  EXPECT_LT(key_of_word(0x7F, 8, WordOrder::kUnsigned), key_of_word(0x80, 8, WordOrder::kUnsigned));
}

// Distinct sorted words: far apart, or close together.
std::vector<uint64_t> random_book(Random& random, size_t size, unsigned width, WordOrder order) {
  std::vector<uint64_t> keys;
  const unsigned spread = static_cast<unsigned>(8 + random() % (width - 7));
  const uint64_t base = random() & low_mask(width) & ~low_mask(spread);
  while (keys.size() < size) {
    keys.push_back(base | (random() & low_mask(spread)));
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  }
  for (uint64_t& key : keys) key = word_of_key(key, width, order);
  return keys;
}

TEST(Codebook, RoundTripsAndRejectsEveryTruncation) {
  Random random(10);
  for (unsigned round = 0; round < 400; ++round) {
    for (const unsigned width : kWidths) {
      const WordOrder order = kOrders[random() % 3];
      const size_t size = 1 + random() % (round % 4 ? 20 : 256);
      std::vector<uint64_t> words = random_book(random, size, width, order);
      std::vector<uint8_t> bytes;
      ASSERT_TRUE(append_codebook(words, width, order, &bytes).ok());
      std::shuffle(words.begin(), words.end(), random);
      sort_codebook(words, width, order);
      std::vector<uint8_t> longer = bytes;
      longer.push_back(0xA5);
      ByteReader in(longer);
      std::vector<uint64_t> out(size);
      const Status status = parse_codebook(&in, width, order, out);
      ASSERT_TRUE(status.ok()) << status.message;
      EXPECT_EQ(out, words);
      EXPECT_EQ(in.position(), bytes.size());
      const std::vector<uint8_t> shorter(bytes.begin(), bytes.end() - 1);
      ByteReader truncated(shorter);
      const Status failed = parse_codebook(&truncated, width, order, out);
      EXPECT_EQ(failed.code, Code::BadSection);
      EXPECT_STREQ(failed.rule, "T-01");
      EXPECT_EQ(truncated.position(), 0u);
    }
  }
}

TEST(Codebook, WhatIsAcceptedIsIncreasingAndTheOnlyStringOfItsOrder) {
  Random random(11);
  size_t accepted = 0;
  for (unsigned round = 0; round < 20000; ++round) {
    const unsigned width = kWidths[random() % 4];
    const WordOrder order = kOrders[random() % 3];
    std::vector<uint8_t> bytes(1 + random() % 40);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    bytes[0] = static_cast<uint8_t>(random() % (width + 1));
    std::vector<uint64_t> words(1 + random() % 8);
    ByteReader in(bytes);
    if (!parse_codebook(&in, width, order, words).ok()) continue;
    ++accepted;
    std::vector<uint8_t> again = {bytes[0]};
    BitWriter writer(&again);
    uint64_t key = key_of_word(words[0], width, order);
    writer.put(key, width);
    for (size_t i = 1; i < words.size(); ++i) {
      const uint64_t next = key_of_word(words[i], width, order);
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
  for (const unsigned width : kWidths) {
    const std::vector<uint64_t> words = {0, low_mask(width)};
    std::vector<uint8_t> bytes;
    ASSERT_TRUE(append_codebook(words, width, WordOrder::kUnsigned, &bytes).ok());
    std::vector<uint64_t> out(2);
    ByteReader in(bytes);
    ASSERT_TRUE(parse_codebook(&in, width, WordOrder::kUnsigned, out).ok());
    EXPECT_EQ(out, words);
  }
}

TEST(Codebook, BrokenRules) {
  const auto parse = [](const std::vector<uint8_t>& bytes, size_t size) {
    ByteReader in(bytes);
    std::vector<uint64_t> words(size);
    return parse_codebook(&in, 8, WordOrder::kUnsigned, words);
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
  EXPECT_FALSE(append_codebook(std::vector<uint64_t>{}, 8, WordOrder::kUnsigned, &out).ok());
  EXPECT_FALSE(append_codebook(std::vector<uint64_t>{3, 3}, 8, WordOrder::kUnsigned, &out).ok());
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace dcf::impl
