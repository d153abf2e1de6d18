// SPDX-License-Identifier: Apache-2.0
// Classes of rows and columns: they are found where scales differ, are left out where they do not
// pay, and depend on nothing but the values.
#include "encode/plan/class_plan.h"

#include <algorithm>
#include <cmath>

#include "support/words_of.h"
#include "writing.h"

namespace dcf::impl::encode {
namespace {

// Weights of dims {40, 16, 3, 64} whose scale, one of three, is that of their unit of an axis.
constexpr ClassAxis kRows{16 * 3 * 64, 40};
constexpr ClassAxis kPlanes{3 * 64, 16};
constexpr ClassAxis kColumns{1, 64};
constexpr ClassAxis kNothing{40 * 16 * 3 * 64, 1};

std::vector<double> scaled_weights(ClassAxis axis) {
  std::mt19937_64 random(9);
  std::vector<double> weights(size_t{40} * 16 * 3 * 64);
  for (size_t i = 0; i < weights.size(); ++i) {
    double normal = -6;
    for (int k = 0; k < 12; ++k) normal += static_cast<double>(random() >> 11) * 0x1p-53;
    const auto unit = static_cast<double>(i / axis.run % axis.units * 5 % 3);
    weights[i] = normal * std::pow(8.0, unit);
  }
  return weights;
}

Sample scaled_sample(DType dtype, ClassAxis axis) {
  Sample sample;
  sample.name = "w";
  sample.dtype = dtype;
  sample.dims = {40, 16, 3, 64};
  const std::vector<double> weights = scaled_weights(axis);
  if (is_float(dtype)) {
    sample.data = words_of(dtype, weights);
    return sample;
  }
  for (const double w : weights) {
    const long rounded = std::clamp(std::lround(w), -128L, 127L);
    const long zero = is_signed_integer(dtype) ? 0 : 128;
    sample.data.push_back(static_cast<uint8_t>(rounded + zero));
  }
  return sample;
}

TEST(ClassPlan, FindsTheAxisAlongWhichScalesDiffer) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kU8, DType::kI8}) {
    for (const ClassAxis axis : {kRows, kPlanes, kColumns}) {
      const format::Encoding e = chosen(scaled_sample(dtype, axis));
      EXPECT_GE(e.classes, 3) << dtype_name(dtype) << " " << axis.run;
      // Parts of the units are as good.
      EXPECT_EQ(axis.run % e.class_run, 0u) << dtype_name(dtype) << " " << axis.run;
    }
    EXPECT_FALSE(chosen(scaled_sample(dtype, kNothing)).has_classes()) << dtype_name(dtype);
  }
}

TEST(ClassPlan, SparsePositionsHaveNone) {
  const Sample sample = scaled_sample(DType::kF16, kRows);
  for (const format::Positions positions :
       {format::Positions::kBitmap, format::Positions::kGap, format::Positions::kGapBucket}) {
    EXPECT_FALSE(chosen(sample, with_positions(positions)).has_classes());
  }
  EXPECT_TRUE(chosen(sample, with_positions(format::Positions::kDense)).has_classes());
}

TEST(ClassPlan, TheFileDependsOnNeitherPiecesNorThreads) {
  for (const ClassAxis axis : {kRows, kPlanes, kColumns}) {
    const Sample sample = scaled_sample(DType::kF16, axis);
    expect_same_file_by_threads_and_in_pieces(sample, 4999);
  }
}

// Units and elements that several threads share.
TEST(ClassPlan, ManyUnitsAndThreads) {
  constexpr size_t kUnits = 9000;
  std::mt19937_64 random(4);
  for (const bool rows : {true, false}) {
    std::vector<double> weights(kUnits * 64);
    for (size_t i = 0; i < weights.size(); ++i) {
      const size_t unit = rows ? i / 64 : i % 64;
      weights[i] = std::ldexp(1.0 + static_cast<double>(random() % 512) / 512,
                              static_cast<int>(random() % 4 + unit * 7 % 5 * 2) - 12);
    }
    Sample sample;
    sample.name = "w";
    sample.dtype = DType::kF16;
    sample.dims = {kUnits, 64};
    sample.data = words_of(DType::kF16, weights);
    const format::Encoding e = chosen(sample);
    EXPECT_EQ(e.class_run, rows ? 64u : 1u);
    EXPECT_TRUE(file_of({sample}, {}, 3) == file_of({sample}));
  }
}

// What decides the class of a column is from all of it.
TEST(ClassPlan, ColumnsWhoseFirstElementsAreAlike) {
  std::mt19937_64 random(6);
  Sample sample;
  sample.name = "w";
  sample.dtype = DType::kU8;
  sample.dims = {16384, 64};
  for (size_t i = 0; i < 16384 * 64; ++i) {
    const bool wide = i < 2048 * 64 || i % 64 * 11 % 3 == 0;
    sample.data.push_back(static_cast<uint8_t>(128 + random() % (wide ? 64 : 4)));
  }
  EXPECT_GE(chosen(sample).classes, 2);
  EncodeOptions smallest;
  smallest.effort = Effort::kSmallest;
  EXPECT_LT(file_of({sample}).size(), file_of({sample}, smallest).size() * 101 / 100);
}

// Ranges of a tensor are encoded without the words of the others.
TEST(ClassPlan, ATensorThatMayBeCutIntoRangesHasNone) {
  Sample sample = scaled_sample(DType::kF16, kColumns);
  const std::vector<uint8_t> once = sample.data;
  for (int i = 0; i < 9; ++i) sample.data.insert(sample.data.end(), once.begin(), once.end());
  sample.dims[0] = 400;
  EncodeOptions fast;
  fast.effort = Effort::kFast;
  EXPECT_FALSE(chosen(sample, fast).has_classes());
  EXPECT_TRUE(chosen(sample).has_classes());
}

TEST(ClassPlan, AxesOfDims) {
  const std::vector<ClassAxis> expected = {{60, 4}, {20, 12}, {20, 3}, {5, 12},
                                           {5, 4},  {1, 20},  {1, 5}};
  EXPECT_EQ(class_axes({4, 3, 4, 1, 5}).size(), expected.size());
  for (const ClassAxis axis : class_axes({4, 3, 4, 1, 5})) {
    EXPECT_NE(std::find(expected.begin(), expected.end(), axis), expected.end())
        << axis.run << " " << axis.units;
  }
  EXPECT_TRUE(class_axes({}).empty());
  EXPECT_TRUE(class_axes({1000}).empty());
  EXPECT_EQ(class_axes(std::vector<uint64_t>(32, 2)).size(),
            class_axes({1u << 29, 2, 2, 2}).size());
}

}  // namespace
}  // namespace dcf::impl::encode
