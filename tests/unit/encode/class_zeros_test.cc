// SPDX-License-Identifier: Apache-2.0
// Zero bits by class: they are found along any axis, alone and beside classes of other scales, are
// left out where they do not pay, and depend on nothing but the values.
#include "encode/plan/class_zeros.h"

#include <cmath>

#include "support/words_of.h"
#include "writing.h"

namespace dcf::impl::encode {
namespace {

constexpr ClassAxis kZerosByRow{16 * 3 * 64, 40};
constexpr ClassAxis kZerosByPlane{3 * 64, 16};
constexpr ClassAxis kZerosByColumn{1, 64};

// f32 or f64 weights of dims {40, 16, 3, 64}; those of every fourth unit of the axis were f16 once.
Sample rounded_sample(ClassAxis axis, DType dtype = DType::kF32, bool scaled = false) {
  std::mt19937_64 random(7);
  std::vector<double> weights(size_t{40} * 16 * 3 * 64);
  for (size_t i = 0; i < weights.size(); ++i) {
    double normal = -6;
    for (int k = 0; k < 12; ++k) normal += static_cast<double>(random() >> 11) * 0x1p-53;
    const uint64_t unit = i / axis.run % axis.units;
    weights[i] = scaled ? normal * std::pow(8.0, static_cast<double>(unit % 3)) : normal;
    if (unit % 4 == 1) {
      weights[i] = word_to_double(DType::kF16, double_to_word(DType::kF16, weights[i]));
    }
  }
  Sample sample;
  sample.name = "w";
  sample.dtype = dtype;
  sample.dims = {40, 16, 3, 64};
  sample.data = words_of(dtype, weights);
  return sample;
}

TEST(ClassZeros, AreFoundAlongAnyAxis) {
  for (const DType dtype : {DType::kF32, DType::kF64}) {
    for (const ClassAxis axis : {kZerosByRow, kZerosByPlane, kZerosByColumn}) {
      const format::Encoding e = chosen(rounded_sample(axis, dtype));
      ASSERT_EQ(e.values, format::Values::kClassSplit) << axis.run;
      EXPECT_EQ(axis.run % e.class_run, 0u) << axis.run;
      // Three quarters of the values use the last bits of f32, or all that an f64 has.
      EXPECT_EQ(*std::min_element(e.class_z.begin(), e.class_z.begin() + e.classes), 0) << axis.run;
      EXPECT_GE(*std::max_element(e.class_z.begin(), e.class_z.begin() + e.classes), 10)
          << axis.run;
    }
  }
}

TEST(ClassZeros, DivideClassesOfOtherScales) {
  const format::Encoding e = chosen(rounded_sample(kZerosByRow, DType::kF32, true));
  ASSERT_EQ(e.values, format::Values::kClassSplit);
  EXPECT_GE(e.classes, 4);
  EXPECT_EQ(e.class_units, kZerosByRow.units);
}

TEST(ClassZeros, AreLeftOutWhereTheyDoNotPay) {
  // Of 40 * 48 rows two are rounded: less than 1 % of the tensor, but more than nothing.
  std::mt19937_64 random(3);
  Sample sample = random_sample(random, DType::kF32, {1920, 64}, 1);
  for (const size_t row : {500, 1111}) {
    for (size_t i = 0; i < 64; ++i) {
      sample.data[(row * 64 + i) * 4] = 0;
      sample.data[(row * 64 + i) * 4 + 1] = 0;
    }
  }
  sample.name = "w";
  EXPECT_EQ(chosen(sample).values, format::Values::kSplit);
  const Sample unrounded = random_sample(random, DType::kF32, {1920, 64}, 1);
  EncodeOptions smallest;
  smallest.effort = Effort::kSmallest;
  EXPECT_EQ(chosen(unrounded, smallest).values, format::Values::kSplit);
}

// Units of nothing but zeros are chance where many values are zero.
TEST(ClassZeros, OfTensorsOfManyZeros) {
  std::mt19937_64 random(5);
  const Sample pruned = random_sample(random, DType::kF32, {1000, 64}, 0.2);
  EXPECT_EQ(chosen(pruned, with_positions(format::Positions::kDense)).values,
            format::Values::kSplit);
  Sample padded = random_sample(random, DType::kF32, {1000, 64}, 1);
  std::fill(padded.data.begin() + padded.data.size() * 9 / 10, padded.data.end(), 0);
  EXPECT_EQ(chosen(padded, with_positions(format::Positions::kDense)).values,
            format::Values::kClassSplit);
}

TEST(ClassZeros, TheFileDependsOnNeitherPiecesNorThreads) {
  for (const ClassAxis axis : {kZerosByRow, kZerosByColumn}) {
    const Sample sample = rounded_sample(axis);
    expect_same_file_by_threads_and_in_pieces(sample, 4999);
  }
}

TEST(ClassZeros, ATensorThatMayBeCutIntoRangesHasNone) {
  Sample sample = rounded_sample(kZerosByColumn);
  const std::vector<uint8_t> once = sample.data;
  std::mt19937_64 random(1);
  for (int i = 0; i < 9; ++i) {
    for (size_t at = 0; at < once.size(); at += 4) {
      const auto word = load_le<uint32_t>(&once[at]);
      const uint32_t noise = (word & 0x1FFF) == 0 ? 0x7FE000 : 0x7FFFFF;  // no zeros are lost
      sample.data.resize(sample.data.size() + 4);
      store_le(&sample.data[sample.data.size() - 4],
               static_cast<uint32_t>(word ^ (random() & noise)));
    }
  }
  sample.dims[0] = 400;
  EncodeOptions fast;
  fast.effort = Effort::kFast;
  EXPECT_FALSE(chosen(sample, fast).has_classes());
  EXPECT_EQ(chosen(sample).values, format::Values::kClassSplit);
}

}  // namespace
}  // namespace dcf::impl::encode
