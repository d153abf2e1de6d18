// SPDX-License-Identifier: Apache-2.0
#include "encode/round/grid_round.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "base/float_convert.h"
#include "compress/quality.h"
#include "encode/round/grid_block.h"
#include "encode/round/grid_store.h"
#include "support/normal_weights.h"
#include "support/words_of.h"

namespace dcf::impl::encode {
namespace {

struct GridOutcome {
  std::optional<RoundedTensor> rounded;
  std::vector<double> before;
  std::vector<double> after;
};

GridOutcome round_words(DType dtype, const std::vector<uint8_t>& words,
                        const std::vector<uint64_t>& dims, double sqnr_db, unsigned threads = 1) {
  Parallel parallel;
  parallel.threads = threads;
  Progress progress;
  const Work work{parallel, progress, uint64_t{1} << 30};
  Result<std::optional<RoundedTensor>> result = round_to_grid(dtype, words, dims, sqnr_db, work);
  EXPECT_TRUE(result.ok()) << result.status().message;
  GridOutcome out;
  if (result.ok()) out.rounded = std::move(result.value());
  const size_t elements = words.size() / (dtype_bits(dtype) / 8);
  out.before.resize(elements);
  words_to_doubles(dtype, words, out.before);
  if (!out.rounded) return out;
  out.after.resize(elements);
  words_to_doubles(dtype, out.rounded->words, out.after);
  return out;
}

GridOutcome round_floats(const std::vector<double>& values, const std::vector<uint64_t>& dims,
                         double sqnr_db, DType dtype = DType::kF32) {
  return round_words(dtype, words_of(dtype, values), dims, sqnr_db);
}

double sqnr_of(const GridOutcome& out) {
  double signal = 0;
  double noise = 0;
  for (size_t i = 0; i < out.before.size(); ++i) {
    signal += out.before[i] * out.before[i];
    noise += (out.before[i] - out.after[i]) * (out.before[i] - out.after[i]);
  }
  return 10 * std::log10(signal / noise);
}

std::vector<double> normal(size_t n, uint32_t seed) {
  const std::vector<float> weights = normal_weights(n, seed);
  return {weights.begin(), weights.end()};
}

// All words are float(k) * scale of their unit, in the dtype.
void expect_on_grid(DType dtype, const GridOutcome& out) {
  ASSERT_TRUE(out.rounded);
  const GridScales& grid = out.rounded->grid;
  ASSERT_TRUE(grid.scales.size() == 1 || grid.scales.size() == grid.axis.units);
  for (size_t i = 0; i < out.after.size(); ++i) {
    const size_t unit = grid.scales.size() == 1 ? 0 : i / grid.axis.run % grid.axis.units;
    const float scale = grid.scales[unit];
    const float k = scale == 0 ? 0 : static_cast<float>(std::nearbyint(out.after[i] / scale));
    ASSERT_LE(std::abs(k), kMaxGridInteger);
    const uint64_t word = double_to_word(dtype, k * scale);
    ASSERT_EQ(word_to_double(dtype, word), out.after[i]) << i;
    ASSERT_FALSE(out.after[i] == 0 && std::signbit(out.after[i])) << i;
  }
}

double greatest_difference(const GridOutcome& out) {
  double greatest = 0;
  for (size_t i = 0; i < out.before.size(); ++i) {
    greatest = std::max(greatest, std::abs(out.before[i] - out.after[i]));
  }
  return greatest;
}

TEST(GridRound, LeavesTheRatioThatWasAskedFor) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const double sqnr : {10.0, 20.0, 30.0, 40.0}) {
      const GridOutcome out = round_floats(normal(65536, 1), {256, 256}, sqnr, dtype);
      expect_on_grid(dtype, out);
      EXPECT_NEAR(sqnr_of(out), sqnr, sqnr > 30 ? 0.4 : 0.2) << static_cast<int>(dtype);
      EXPECT_EQ(out.rounded->greatest_error, greatest_difference(out));
    }
  }
}

TEST(GridRound, ScalesAreShortSoThatProductsAreExact) {
  const GridOutcome out = round_floats(normal(65536, 2), {256, 256}, 50);
  ASSERT_TRUE(out.rounded);
  for (const float scale : out.rounded->grid.scales) {
    EXPECT_EQ(std::bit_cast<uint32_t>(scale) & 0xFFF, 0u);
  }
}

// Weights whose rows, or columns, differ in size.
std::vector<double> uneven(uint64_t rows, uint64_t cols, bool by_row) {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> weights(static_cast<size_t>(rows * cols));
  for (size_t i = 0; i < weights.size(); ++i) {
    const uint64_t unit = by_row ? i / cols : i % cols;
    weights[i] = uniform(random) * std::exp2(0.4 * static_cast<double>(unit % 8));
  }
  return weights;
}

TEST(GridRound, RowsAndColumnsGetScalesWhereTheyDiffer) {
  const GridOutcome rows = round_floats(uneven(128, 256, true), {128, 256}, 30);
  expect_on_grid(DType::kF32, rows);
  EXPECT_EQ(rows.rounded->grid.axis, (ClassAxis{256, 128}));
  const GridOutcome columns = round_floats(uneven(256, 128, false), {256, 128}, 30);
  expect_on_grid(DType::kF32, columns);
  EXPECT_EQ(columns.rounded->grid.axis, (ClassAxis{1, 128}));
  const GridOutcome even = round_floats(normal(32768, 4), {128, 256}, 30);
  EXPECT_EQ(even.rounded->grid.scales.size(), 1u);
}

TEST(GridRound, SumsOfKernelsAreKeptToHalfAStep) {
  const std::vector<double> weights = normal(size_t{32} * 16 * 9, 5);
  struct Shape {
    std::vector<uint64_t> dims;
    uint64_t run, units;
  };
  for (const Shape& shape : {Shape{{32, 16, 3, 3}, 144, 32}, Shape{{3, 3, 16, 32}, 1, 32},
                             Shape{{32, 48, 3}, 144, 32}, Shape{{3, 3, 512, 1}, 1, 512}}) {
    const GridOutcome out = round_floats(weights, shape.dims, 20);
    expect_on_grid(DType::kF32, out);
    ASSERT_EQ(out.rounded->grid.scales.size(), 1u);
    std::vector<double> sums(shape.units);
    for (size_t i = 0; i < out.before.size(); ++i) {
      sums[i / shape.run % shape.units] += out.before[i] - out.after[i];
    }
    for (const double sum : sums) EXPECT_LE(std::abs(sum), 0.51 * out.rounded->grid.scales[0]);
    EXPECT_EQ(out.rounded->greatest_error, greatest_difference(out));
    // Rows are trellis values, whose steps are finer: an element may move by two.
    const double moved = shape.run == 1 ? 1.01 : 3.01;
    EXPECT_LE(out.rounded->greatest_error, moved * out.rounded->grid.scales[0]);
  }
}

TEST(GridRound, SumsOfAMatrixMayDrift) {
  const GridOutcome out = round_floats(normal(size_t{512} * 512, 6), {16384, 16}, 20);
  ASSERT_TRUE(out.rounded);
  EXPECT_LE(out.rounded->greatest_error, 0.5001 * out.rounded->grid.scales[0]);
}

TEST(GridRound, DoesNotDependOnThreads) {
  for (const std::vector<uint64_t>& dims :
       {std::vector<uint64_t>{1200, 900}, std::vector<uint64_t>{300, 400, 3, 3}}) {
    const auto words = words_of(DType::kF32, normal(size_t{1080000}, 7));
    const GridOutcome one = round_words(DType::kF32, words, dims, 35, 1);
    const GridOutcome four = round_words(DType::kF32, words, dims, 35, 4);
    ASSERT_TRUE(one.rounded && four.rounded);
    EXPECT_EQ(one.rounded->words, four.rounded->words);
    EXPECT_EQ(one.rounded->grid.scales, four.rounded->grid.scales);
    EXPECT_EQ(one.rounded->greatest_error, four.rounded->greatest_error);
  }
}

TEST(GridRound, NaNAndInfAreLeftAlone) {
  for (const float special :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    std::vector<double> weights = normal(4096, 8);
    weights[4095] = special;
    EXPECT_FALSE(round_floats(weights, {64, 64}, 40).rounded);
    EXPECT_FALSE(round_floats(weights, {64, 64}, 40, DType::kBF16).rounded);
  }
}

TEST(GridRound, AllZeroIsLeftAlone) {
  EXPECT_FALSE(round_floats(std::vector<double>(4096, 0.0), {64, 64}, 40).rounded);
  EXPECT_FALSE(round_floats(std::vector<double>(4096, -0.0), {64, 64}, 40).rounded);
}

TEST(GridRound, SubnormalTensorIsLeftAlone) {
  std::vector<double> weights = normal(4096, 9);
  for (double& w : weights) w *= 1e-39;
  EXPECT_FALSE(round_floats(weights, {64, 64}, 40).rounded);
}

TEST(GridRound, DeadAndFaintRowsStayFinite) {
  std::vector<double> weights = uneven(512, 128, true);
  for (size_t c = 0; c < 128; ++c) {
    weights[3 * 128 + c] = 0;                                         // all zero
    weights[7 * 128 + c] = c % 2 == 0 ? 6e-40 : -6e-40;               // a dead channel
    weights[9 * 128 + c] = std::numeric_limits<float>::denorm_min();  // subnormal
    weights[11 * 128 + c] = 1e-3 * static_cast<double>(c);            // faint
    weights[13 * 128 + c] = 2.5;                                      // constant
  }
  const GridOutcome out = round_floats(weights, {512, 128}, 30);
  expect_on_grid(DType::kF32, out);
  EXPECT_EQ(out.rounded->grid.axis, (ClassAxis{128, 512}));
  for (const double value : out.after) ASSERT_TRUE(std::isfinite(value));
  for (const float scale : out.rounded->grid.scales) {
    EXPECT_TRUE(scale == 0 || std::isnormal(scale));
  }
  for (size_t c = 0; c < 128; ++c) {
    EXPECT_EQ(out.after[3 * 128 + c], 0);
    EXPECT_EQ(out.after[7 * 128 + c], 0);
  }
  EXPECT_NEAR(sqnr_of(out), 30, 1);
}

TEST(GridRound, ConstantTensor) {
  const GridOutcome out = round_floats(std::vector<double>(4096, 0.3), {64, 64}, 40);
  if (!out.rounded) return;  // 0.3 is on the grid
  expect_on_grid(DType::kF32, out);
  EXPECT_LE(out.rounded->greatest_error, 0.3 * 0.02);
}

// Beside one weight so large, the others would all be 0.
TEST(GridRound, FarOutlierIsLeftAlone) {
  std::vector<double> weights = normal(4096, 11);
  EXPECT_TRUE(round_floats(weights, {64, 64}, 6).rounded);
  weights[17] = 1e30;
  EXPECT_FALSE(round_floats(weights, {64, 64}, 40).rounded);
}

TEST(GridRound, GreatestFloatsAreLeftAlone) {
  std::vector<double> greatest(4096, std::numeric_limits<float>::max());
  for (size_t i = 0; i < greatest.size(); i += 2) greatest[i] *= -0.9;
  EXPECT_FALSE(round_floats(greatest, {64, 64}, 6).rounded);  // a multiple would be infinite
}

TEST(GridRound, GreatestHalfNeverBecomesInfinite) {
  std::vector<double> weights(4096, 65504.0);
  for (size_t i = 0; i < weights.size(); i += 3) weights[i] = -60000.0;
  const GridOutcome out = round_floats(weights, {64, 64}, 10, DType::kF16);
  for (const double value : out.after) ASSERT_TRUE(std::isfinite(value));
}

// A column that one weight makes coarse: the others of its row are not worse for it, and those of
// the column lose no more than themselves.
TEST(GridRound, AnOutlierDoesNotTakeItsColumnAlong) {
  constexpr size_t kRows = 256;
  constexpr size_t kCols = 512;
  for (const double outlier : {300.0, 3000.0}) {
    std::vector<double> values = normal(kRows * kCols, 12);
    values[7 * kCols + 3] = outlier;
    const GridOutcome out = round_floats(values, {kRows, kCols}, 30);
    ASSERT_TRUE(out.rounded);
    ASSERT_EQ(out.rounded->grid.axis, (ClassAxis{1, kCols}));
    double of_column = 0;
    double lost_of_column = 0;
    double of_others = 0;
    double lost_of_others = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      if (i == 7 * kCols + 3) continue;
      const double lost = out.before[i] - out.after[i];
      (i % kCols == 3 ? of_column : of_others) += values[i] * values[i];
      (i % kCols == 3 ? lost_of_column : lost_of_others) += lost * lost;
    }
    EXPECT_LE(lost_of_column, 1.001 * of_column) << outlier;
    EXPECT_LE(lost_of_others, of_others / 100) << outlier;
  }
}

TEST(GridRound, NeedsMemoryForTheWords) {
  const auto words = words_of(DType::kF32, normal(4096, 10));
  Parallel parallel;
  Progress progress;
  const Work work{parallel, progress, words.size() - 1};
  const std::vector<uint64_t> dims = {64, 64};
  EXPECT_EQ(round_to_grid(DType::kF32, words, dims, 40, work).status().code, Code::LimitMemory);
}

TEST(GridRound, BlocksAreRoundedAsSingleElements) {
  std::mt19937_64 rng(7);
  std::normal_distribution<float> normal;
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF16}) {
    // f16 has steps below its least normal value and products beyond its greatest.
    for (const float step : {1e-3F, 1.5e-7F, 2e-8F, 3e3F, 0.0F}) {
      for (const size_t n : {1, 7, 512, 1700}) {
        std::vector<float> values(n);
        for (float& value : values) {
          const float x = normal(rng) * step * 4;
          // Some lie between words: f16 has none but 0 for a step of 2e-8.
          value = rng() % 2 == 0 ? x : word_to_float(dtype, double_to_word(dtype, x));
          if (rng() % 9 == 0) value = 0;
        }
        RoundedTensor one;
        one.words.assign(n * dtype_bits(dtype) / 8, 0xAA);
        one.numbers.assign(n, 0);
        const RoundedTensor blank = one;
        std::vector<int32_t> multiples;
        RoundingEffect expected;
        std::vector<float> scales;
        std::vector<float> inverses;
        for (size_t i = 0; i < n; ++i) {
          const float scale = rng() % 3 == 0 ? 2 * step : step;  // of the element
          scales.push_back(scale);
          inverses.push_back(scale == 0 ? 0 : 1 / scale);
          const int32_t multiple = nearest_multiple(values[i] * inverses[i]);
          multiples.push_back(multiple);
          const double error = store_multiple(dtype, i, values[i], multiple, scale, &one);
          expected.add({error, values[i] != 0, values[i] != 0 && error >= std::abs(values[i])});
        }
        for (const BlockKernels* const kernels : available_block_kernels()) {
          RoundedTensor many = blank;
          const RoundingEffect effect =
              kernels->round(dtype, values, scales.data(), inverses.data(), many.numbers.data(),
                             many.words.data());
          EXPECT_EQ(effect.greatest_error, expected.greatest_error) << step;
          EXPECT_EQ(effect.nonzeros, expected.nonzeros);
          EXPECT_EQ(effect.vanished, expected.vanished);
          if (!std::isfinite(expected.greatest_error)) continue;
          EXPECT_TRUE(many.words == one.words) << step << " " << n;
          EXPECT_TRUE(many.numbers == one.numbers) << step << " " << n;
          RoundedTensor known = blank;
          const RoundingEffect again =
              kernels->set_multiples(dtype, values, multiples.data(), scales.data(),
                                     known.numbers.data(), known.words.data());
          EXPECT_EQ(again.greatest_error, expected.greatest_error) << step;
          EXPECT_EQ(again.nonzeros, expected.nonzeros);
          EXPECT_EQ(again.vanished, expected.vanished);
          EXPECT_TRUE(known.words == one.words) << step << " " << n;
          EXPECT_TRUE(known.numbers == one.numbers) << step << " " << n;
        }
      }
    }
  }
}

TEST(GridRound, AnElementThatIsTooManyStepsIsSaid) {
  for (const size_t at : {0, 3, 8, 600, 1024}) {
    std::vector<float> values(1025, 1);
    values[at] = -3e7F;
    const std::vector<float> ones(values.size(), 1);
    std::vector<uint32_t> numbers(values.size());
    std::vector<uint8_t> words(4 * values.size());
    for (const BlockKernels* const kernels : available_block_kernels()) {
      const RoundingEffect effect = kernels->round(DType::kF32, values, ones.data(), ones.data(),
                                                   numbers.data(), words.data());
      EXPECT_TRUE(std::isinf(effect.greatest_error)) << cpu_set_name(kernels->set) << " " << at;
    }
  }
}

}  // namespace
}  // namespace dcf::impl::encode
