// SPDX-License-Identifier: Apache-2.0
// Statistics of values against a count that takes one element at a time.
#include "encode/plan/value_stats.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "encode/plan/split_words.h"
#include "encode/plan/stats.h"
#include "support/words_of.h"

namespace dcf::impl::encode {
namespace {

// Entries and signs of a content, by its own visit().
struct Counted {
  std::map<uint64_t, uint64_t> words;
  uint64_t entries = 0;
  uint64_t negative_zeros = 0;
};
Counted counted(const Content& content) {
  Counted result;
  EXPECT_TRUE(content
                  .visit(0, content.elements,
                         [&](uint64_t, uint64_t word, Cell cell) {
                           if (cell == Cell::kNegativeZero) {
                             ++result.negative_zeros;
                             return;
                           }
                           ++result.entries;
                           ++result.words[word];
                         })
                  .ok());
  return result;
}

void check(const Content& content, unsigned threads, const std::string& what) {
  Parallel parallel;
  parallel.threads = threads;
  Progress progress;
  const Work work{parallel, progress, uint64_t{1} << 30};
  const Result<ValueStats> measured = measure_values(content, Measure::kAll, work);
  ASSERT_TRUE(measured.ok()) << what;
  const ValueStats& stats = measured.value();
  const Counted expected = counted(content);
  EXPECT_EQ(stats.entries, expected.entries) << what;
  EXPECT_EQ(stats.negative_zeros, expected.negative_zeros) << what;
  EXPECT_EQ(stats.zeros, content.elements - expected.entries - expected.negative_zeros) << what;
  ASSERT_EQ(stats.palette.has_value(), expected.words.size() <= kMaxPalette) << what;
  std::vector<uint64_t> prefixes(is_split(content.dtype) ? kPrefixes : 0);
  codec::Histogram symbols{};
  for (const auto& [word, count] : expected.words) {
    if (is_split(content.dtype)) {
      prefixes[rotate_word(word, content.bits) >> (content.bits - kPrefixBits)] += count;
      EXPECT_EQ(rotate_word(word, content.bits) & ~stats.mantissa_bits, 0u) << what;
    } else if (content.bits == 8) {
      symbols[word] += count;
    } else {
      symbols[int_buckets(content.dtype).symbol(int_number(content.dtype, word))] += count;
    }
    if (!stats.palette) continue;
    const auto& words = stats.palette->words;
    const auto at = std::find(words.begin(), words.end(), word);
    ASSERT_NE(at, words.end()) << what;
    EXPECT_EQ(stats.palette->counts[static_cast<size_t>(at - words.begin())], count) << what;
  }
  for (uint64_t i = 0; i < prefixes.size(); ++i) {
    ASSERT_EQ(stats.prefixes.of(i), prefixes[i]) << what << ", prefix " << i;
  }
  EXPECT_EQ(stats.symbols, symbols) << what;

  const Result<ValueStats> zeros = measure_values(content, Measure::kZeros, work);
  ASSERT_TRUE(zeros.ok()) << what;
  EXPECT_TRUE(stats.has_values && !zeros.value().has_values) << what;
  EXPECT_EQ(zeros.value().zeros, stats.zeros) << what;
  EXPECT_EQ(zeros.value().negative_zeros, stats.negative_zeros) << what;
  EXPECT_EQ(zeros.value().entries, stats.entries) << what;
  EXPECT_FALSE(zeros.value().palette) << what;
}

constexpr DType kDTypes[] = {DType::kF64,    DType::kF32,        DType::kF16, DType::kBF16,
                             DType::kF8E4M3, DType::kF8E4M3FNUZ, DType::kI64, DType::kI32,
                             DType::kI16,    DType::kI8,         DType::kU8,  DType::kBool};

class StatsOf : public ::testing::Test {
 protected:
  // Random words; of every four about one is +0 and, where the dtype has it, one -0.
  Content random_content(DType dtype, uint64_t elements, uint64_t distinct) {
    Content content;
    content.dtype = dtype;
    content.bits = dtype_bits(dtype);
    content.elements = elements;
    words_.resize(elements * content.width());
    for (uint64_t i = 0; i < elements; ++i) {
      uint64_t word = (rng_() % distinct) * 0x9E3779B97F4A7C15u >> (64 - content.bits);
      if (rng_() % 4 == 0) word = 0;
      if (rng_() % 4 == 0 && has_negative_zero(dtype)) word = uint64_t{1} << (content.bits - 1);
      if (dtype == DType::kBool) word &= 1;
      store_word(words_.data() + i * content.width(), content.width(), word);
    }
    content.words = words_;
    return content;
  }
  std::mt19937_64 rng_{5};
  std::vector<uint8_t> words_;
};

TEST_F(StatsOf, WordsInMemory) {
  for (const DType dtype : kDTypes) {
    for (const uint64_t elements : {uint64_t{1}, uint64_t{777}, uint64_t{300'001}}) {
      Content content = random_content(dtype, elements, elements < 1000 ? 200 : 100'000);
      for (const bool drop_signs : {false, true}) {
        content.drop_signs = drop_signs && has_negative_zero(dtype);
        const std::string what = std::string(dtype_name(dtype)) + " " + std::to_string(elements);
        check(content, 1, what);
        check(content, 3, what);
      }
    }
  }
}

TEST_F(StatsOf, WhatPruningKeeps) {
  Content content = random_content(DType::kF32, 200'000, 100'000);
  content.pruning = Pruning{0x40000000, 1000};
  check(content, 1, "one thread");
  check(content, 3, "three threads");
}

TEST_F(StatsOf, Csr) {
  // Two rows of five columns, three entries.
  Content content = random_content(DType::kF32, 3, 50);
  const uint64_t row_ptr[] = {0, 1, 3};
  const uint32_t col[] = {4, 0, 2};
  content.elements = 10;
  content.row_ptr = row_ptr;
  content.col = col;
  content.csr_rows = 2;
  content.csr_cols = 5;
  check(content, 2, "csr");
}

TEST_F(StatsOf, Codes) {
  Content content = random_content(DType::kF16, 1, 1);
  std::vector<uint8_t> codes(150'000);
  for (uint8_t& code : codes) code = static_cast<uint8_t>(rng_() % 4);
  content.words = {};
  content.elements = codes.size();
  content.coded = true;
  content.codes = codes.data();
  const uint64_t words[] = {0, 0x8000, 0x3C00, 0};
  const Cell cells[] = {Cell::kZero, Cell::kNegativeZero, Cell::kEntry, Cell::kEntry};
  std::copy(std::begin(words), std::end(words), content.code_words.begin());
  std::copy(std::begin(cells), std::end(cells), content.code_cells.begin());
  check(content, 2, "codes");
}

TEST(Stats, CountsZerosBySign) {
  const std::vector<double> values = {0, 1, -0.0, -1, 0, -0.0, -0.0};
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kF64, DType::kF8E4M3,
                            DType::kF8E5M2, DType::kF8E4M3FNUZ, DType::kF8E5M2FNUZ}) {
    EXPECT_EQ(count_nonzeros(dtype, words_of(dtype, values)), 2u);
    EXPECT_EQ(count_negative_zeros(dtype, words_of(dtype, values)), is_fnuz(dtype) ? 0u : 3u);
  }
  const std::vector<uint8_t> bytes = {0x00, 0x80, 0x00, 0x00, 0x01, 0x00};
  EXPECT_EQ(count_nonzeros(DType::kI16, bytes), 2u) << "the least i16 is not a zero";
  EXPECT_EQ(count_nonzeros(DType::kU8, bytes), 2u);
  EXPECT_EQ(count_negative_zeros(DType::kI16, bytes), 0u);
}

// 80 is the NaN of the fnuz formats.
TEST(Stats, TheNanOfFnuzFormatsIsNoZero) {
  const std::vector<uint8_t> words = {0x80, 0x00, 0x81, 0x02, 0x7F};
  for (const DType dtype : {DType::kF8E4M3FNUZ, DType::kF8E5M2FNUZ}) {
    EXPECT_EQ(count_nonzeros(dtype, words), 4u);
    EXPECT_EQ(count_negative_zeros(dtype, words), 0u);
  }
}

}  // namespace
}  // namespace dcf::impl::encode
