// SPDX-License-Identifier: Apache-2.0
#include "encode/plan/palette.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace dcf::impl::encode {
namespace {

std::vector<uint8_t> to_bytes(DType dtype, const std::vector<uint64_t>& words) {
  const size_t width = dtype_bits(dtype) / 8;
  std::vector<uint8_t> bytes(words.size() * width);
  for (size_t i = 0; i < words.size(); ++i) store_word(&bytes[i * width], width, words[i]);
  return bytes;
}

// `count` distinct words, many of which differ in their highest or lowest bits alone.
std::vector<uint64_t> distinct_words(DType dtype, size_t count) {
  const uint32_t bits = dtype_bits(dtype);
  std::vector<uint64_t> words;
  for (uint64_t i = 0; i < count; ++i) {
    words.push_back(i % 2 == 0 || bits == 8 ? i : (i << (bits - 9)) | 1);
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  EXPECT_EQ(words.size(), count);
  return words;
}

TEST(Palette, HoldsEveryWordOnceInOrderOfItsKey) {
  for (uint8_t id = 1; id <= 15; ++id) {
    const auto dtype = static_cast<DType>(id);
    for (const size_t distinct : {1, 2, 255, 256}) {
      const std::vector<uint64_t> pool = distinct_words(dtype, distinct);
      std::vector<uint64_t> words = pool;
      std::mt19937 random(id);
      while (words.size() < 5000) {
        const uint64_t word = pool[random() % distinct];
        words.insert(words.end(), 1 + random() % 3, word);  // runs
      }
      std::shuffle(words.begin(), words.begin() + 2000, random);
      std::map<uint64_t, std::pair<uint64_t, uint64_t>> expected;  // key: word, count
      for (const uint64_t word : words) {
        auto& [found, count] = expected[codebook_key(dtype, word)];
        found = word;
        ++count;
      }

      const auto bytes = to_bytes(dtype, words);
      const auto palette = find_palette(dtype, bytes);
      ASSERT_TRUE(palette.has_value()) << dtype_name(dtype) << " " << distinct;
      ASSERT_EQ(palette->words.size(), distinct);
      size_t entry = 0;
      for (const auto& [key, value] : expected) {
        ASSERT_EQ(palette->words[entry], value.first);
        ASSERT_EQ(palette->counts[entry++], value.second);
      }
      std::vector<uint8_t> codes(words.size());
      encode_palette(dtype, palette->words, bytes, codes);
      for (size_t i = 0; i < words.size(); ++i) ASSERT_EQ(palette->words[codes[i]], words[i]);
    }
  }
}

TEST(Palette, EndsAtThe257thWord) {
  for (const DType dtype : {DType::kF64, DType::kF32, DType::kF16, DType::kI64, DType::kU16}) {
    const std::vector<uint64_t> words = distinct_words(dtype, 257);
    EXPECT_FALSE(find_palette(dtype, to_bytes(dtype, words)).has_value());
  }
}

TEST(Palette, TellsBitPatternsNotValues) {
  const std::vector<uint64_t> words = {0x7FC00001, 0x80000000, 0, 0x7FC00000, 0xFFC00000, 0};
  const auto palette = find_palette(DType::kF32, to_bytes(DType::kF32, words));
  ASSERT_TRUE(palette.has_value());
  EXPECT_EQ(palette->words,
            (std::vector<uint64_t>{0xFFC00000, 0x80000000, 0, 0x7FC00000, 0x7FC00001}));
  EXPECT_EQ(palette->counts, (std::vector<uint64_t>{1, 1, 2, 1, 1}));
}

TEST(Palette, AnyCodebookOrderServesForCodes) {
  const std::vector<uint64_t> codebook = {9, 2, 5};
  const auto bytes = to_bytes(DType::kI32, {5, 5, 9, 2});
  std::vector<uint8_t> codes(4);
  encode_palette(DType::kI32, codebook, bytes, codes);
  EXPECT_EQ(codes, (std::vector<uint8_t>{2, 2, 0, 1}));
}

TEST(Palette, OfNothingIsEmpty) {
  const auto palette = find_palette(DType::kF32, {});
  ASSERT_TRUE(palette.has_value());
  EXPECT_TRUE(palette->words.empty());
}

}  // namespace
}  // namespace dcf::impl::encode
