// SPDX-License-Identifier: Apache-2.0
// Dictionaries: a writer finds them where words repeat, with any number of words that they may
// have, and the file depends on nothing but the values.
#include "encode/plan/dictionary_plan.h"

#include <cmath>
#include <set>

#include "support/words_of.h"
#include "writing.h"

namespace dcf::impl::encode {

using format::Values;

namespace {

// `elements` words, each of `words` random ones about equally often.
Sample repeating_sample(DType dtype, size_t words, size_t elements) {
  std::mt19937_64 random(words + elements);
  const uint64_t mask = ~uint64_t{0} >> (64 - dtype_bits(dtype));
  std::set<uint64_t> some;
  while (some.size() < words) some.insert(random() & mask);
  const std::vector<uint64_t> book(some.begin(), some.end());
  Sample sample;
  sample.name = "w";
  sample.dtype = dtype;
  sample.dims = {elements};
  const size_t width = dtype_bits(dtype) / 8;
  sample.data.resize(elements * width);
  for (size_t i = 0; i < elements; ++i) {
    const size_t at = i < words ? i : random() % words;
    store_word(&sample.data[i * width], width, book[at]);
  }
  return sample;
}

TEST(DictionaryPlan, AnyNumberOfWordsUpToTheMost) {
  for (const DType dtype : {DType::kF32, DType::kF64, DType::kI32, DType::kU64}) {
    for (const size_t words : {257, 300, 5000}) {
      const format::Encoding e = chosen(repeating_sample(dtype, words, 40000));
      EXPECT_EQ(e.values, Values::kDictionary) << dtype_name(dtype) << " " << words;
      EXPECT_EQ(e.palette_size, words);
    }
  }
  EXPECT_EQ(chosen(repeating_sample(DType::kF32, 256, 40000)).values, Values::kPalette);
  EXPECT_EQ(chosen(repeating_sample(DType::kF64, 65536, 1 << 19)).palette_size, 65536u);
  EXPECT_NE(chosen(repeating_sample(DType::kF64, 65537, 1 << 19)).values, Values::kDictionary);
  for (const DType dtype : {DType::kF16, DType::kU16}) {
    EXPECT_EQ(chosen(repeating_sample(dtype, 600, 40000)).palette_size, 600u);
  }
}

TEST(DictionaryPlan, WordsThatDoNotRepeatHaveNone) {
  std::mt19937_64 random(2);
  EncodeOptions smallest;
  smallest.effort = Effort::kSmallest;
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    const Sample sample = random_sample(random, dtype, {300, 200}, 1);
    EXPECT_NE(chosen(sample, smallest).values, Values::kDictionary) << dtype_name(dtype);
  }
}

// A table of cosines: most words occur with both signs, and often.
TEST(DictionaryPlan, AComputedTable) {
  std::vector<double> values;
  for (size_t k = 0; k < 130; ++k) {
    for (size_t i = 0; i < 256; ++i) {
      const double angle = 2 * M_PI * static_cast<double>(k * i % 256) / 256;
      values.push_back(std::cos(angle) * std::sin(M_PI * static_cast<double>(i) / 256));
    }
  }
  Sample sample;
  sample.name = "w";
  sample.dims = {130, 1, 256};
  sample.data = words_of(DType::kF32, values);
  EXPECT_EQ(chosen(sample).values, Values::kDictionary);
}

TEST(DictionaryPlan, OnlyDensePositions) {
  const Sample sample = repeating_sample(DType::kF32, 300, 40000);
  EXPECT_EQ(chosen(sample, with_positions(format::Positions::kDense)).values, Values::kDictionary);
  for (const format::Positions positions :
       {format::Positions::kBitmap, format::Positions::kGap, format::Positions::kGapBucket}) {
    EXPECT_NE(chosen(sample, with_positions(positions)).values, Values::kDictionary);
  }
}

TEST(DictionaryPlan, TheFileDependsOnNeitherPiecesNorThreads) {
  const Sample sample = repeating_sample(DType::kF32, 3000, 200000);
  expect_same_file_by_threads_and_in_pieces(sample, 77777);
}

TEST(DictionaryPlan, ATensorThatMayBeCutIntoRangesHasNone) {
  const Sample sample = repeating_sample(DType::kF32, 3000, (1 << 20) + 1);
  EncodeOptions fast;
  fast.effort = Effort::kFast;
  EXPECT_NE(chosen(sample, fast).values, Values::kDictionary);
  EXPECT_EQ(chosen(sample).values, Values::kDictionary);
}

}  // namespace
}  // namespace dcf::impl::encode
