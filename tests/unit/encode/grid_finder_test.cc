// SPDX-License-Identifier: Apache-2.0
// Grids are found in floats that were quantised once, whatever has a scale of its own, and only
// there; what is written decodes to the same words.
#include "encode/plan/grid_finder.h"

#include <bit>
#include <cmath>
#include <random>

#include "encode/write/range_encoder.h"
#include "support/words_of.h"
#include "writing.h"

namespace dcf::impl::encode {
namespace {

const std::vector<uint64_t> kDims = {24, 16, 3, 64};
constexpr size_t kElements = size_t{24} * 16 * 3 * 64;
constexpr ClassAxis kWhole{kElements, 1};
constexpr ClassAxis kByRow{16 * 3 * 64, 24};
constexpr ClassAxis kInputs{3 * 64, 16};
constexpr ClassAxis kFilters{3 * 64, 24 * 16};
constexpr ClassAxis kByColumn{1, 64};
constexpr ClassAxis kBlocks{32, kElements / 32};

// Integers of [low, high], mostly near 0, times scales as a quantiser makes them: the greatest
// magnitude of a unit over the greatest integer.
std::vector<double> quantised(ClassAxis axis, int low, int high, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<float> scales(axis.units);
  for (float& scale : scales) {
    scale = std::ldexp(1.0F + static_cast<float>(random() % (1 << 23)) * 0x1p-23F,
                       -static_cast<int>(8 + random() % 4));
  }
  std::vector<double> values;
  for (size_t i = 0; i < kElements; ++i) {
    double normal = -6;
    for (int k = 0; k < 12; ++k) normal += static_cast<double>(random() >> 11) * 0x1p-53;
    const double wide = std::round(normal * std::max(-low, high) / 4);
    const auto k = static_cast<float>(std::clamp(wide, double(low), double(high)));
    values.push_back(double{k * scales[i / axis.run % axis.units]});
  }
  return values;
}

Sample sample_of(DType dtype, const std::vector<double>& values) {
  Sample sample;
  sample.name = "w";
  sample.dtype = dtype;
  sample.dims = kDims;
  sample.data = words_of(dtype, values);
  return sample;
}

TEST(GridFinder, FindsWhateverHasAScale) {
  unsigned seed = 0;
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const auto& [low, high] : {std::pair{-127, 127}, {-128, 127}, {-8, 7}, {-200, 55}}) {
      for (const ClassAxis axis : {kByRow, kInputs, kFilters, kByColumn, kBlocks}) {
        // 32 values of 8 or 11 bits fit too many scales to say which.
        if (axis == kBlocks && dtype != DType::kF32 && high > 7) continue;
        if (dtype == DType::kBF16 && low < -128) continue;
        const format::Encoding e = chosen(sample_of(dtype, quantised(axis, low, high, ++seed)));
        EXPECT_EQ(e.values, format::Values::kGrid)
            << dtype_name(dtype) << " " << low << " run " << axis.run << " units " << axis.units;
        EXPECT_EQ(e.grid_run, axis.run) << dtype_name(dtype) << " " << low;
        EXPECT_EQ(e.grid_units, axis.units) << dtype_name(dtype) << " " << low;
      }
    }
  }
}

// A palette has at most 256 words; with more integers one scale is worth it.
TEST(GridFinder, FindsOneScaleOfATensor) {
  const format::Encoding e = chosen(sample_of(DType::kF32, quantised(kWhole, -32768, 32767, 3)));
  EXPECT_EQ(e.values, format::Values::kGrid);
  EXPECT_EQ(e.grid_units, 1u);
}

TEST(GridFinder, WeightsThatWereNeverQuantisedHaveNone) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal(0, 0.05);
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    std::vector<double> values(kElements);
    for (double& v : values) v = normal(random);
    EXPECT_NE(chosen(sample_of(dtype, values)).values, format::Values::kGrid) << dtype_name(dtype);
  }
}

// One word of many that is on no grid.
TEST(GridFinder, OneWordOffTheGrid) {
  for (const uint32_t odd : {0x7F800000u, 0xFF800000u, 0x7FC00000u, 0x3C123457u}) {
    Sample sample = sample_of(DType::kF32, quantised(kByRow, -127, 127, 7));
    store_le(&sample.data[4 * (kElements - 9)], odd);
    EXPECT_NE(chosen(sample).values, format::Values::kGrid) << odd;
  }
}

TEST(GridFinder, UnitsOfZerosAndOfOneValue) {
  std::vector<double> values = quantised(kByRow, -127, 127, 8);
  std::fill_n(values.begin(), 5 * kByRow.run, 0.0);
  for (size_t i = 0; i < kByRow.run; ++i) {
    values[7 * kByRow.run + i] = i == 99 ? 0x1.234568p-9 : 0;
    values[8 * kByRow.run + i] = 0x1.5p-140;  // subnormal, all alike
  }
  values[6 * kByRow.run + 5] = -0.0;
  const format::Encoding e = chosen(sample_of(DType::kF32, values));
  EXPECT_EQ(e.values, format::Values::kGrid);
  EXPECT_EQ(e.grid_units, 24u);
}

// The least magnitude of a unit is 6 steps, and the first values are multiples of 4.
TEST(GridFinder, ScalesThatNoValueShows) {
  std::vector<double> values;
  for (size_t i = 0; i < kElements; ++i) {
    const double k = i % kByRow.run < 500 ? 8 + 4.0 * static_cast<double>(i % 11)
                                          : 6 + static_cast<double>(i * i % 101);
    const float scale = 0.001F * static_cast<float>(1 + i / kByRow.run);
    values.push_back(double{static_cast<float>(i % 3 == 0 ? k : -k) * scale});
  }
  const format::Encoding e = chosen(sample_of(DType::kF32, values));
  EXPECT_EQ(e.values, format::Values::kGrid);
  EXPECT_EQ(e.grid_units, 24u);
}

TEST(GridFinder, TheFileDependsOnNeitherPiecesNorThreads) {
  for (const ClassAxis axis : {kByRow, kByColumn}) {
    const Sample sample = sample_of(DType::kF32, quantised(axis, -127, 127, 11));
    expect_same_file_by_threads_and_in_pieces(sample, 4999);
  }
}

// Rows of the same scale, whose integers are small or large.
TEST(GridFinder, GridsHaveClasses) {
  std::mt19937_64 random(15);
  std::vector<double> values;
  for (size_t i = 0; i < kElements; ++i) {
    const uint64_t most = i / kByRow.run % 2 == 0 ? 5 : 120;
    const auto k = static_cast<float>(random() % (2 * most + 1)) - static_cast<float>(most);
    values.push_back(double{k * 0.01F});
  }
  values[0] = double{1000 * 0.01F};  // more words than a palette has
  for (size_t i = 1; i < 300; ++i) values[2 * i * 64] = double{static_cast<float>(200 + i) * 0.01F};
  const format::Encoding e = chosen(sample_of(DType::kF32, values));
  EXPECT_EQ(e.values, format::Values::kGrid);
  EXPECT_EQ(e.grid_units, 1u);
  EXPECT_GE(e.classes, 2);
}

// A tensor that may be cut into ranges: each row has a scale, and any range shows it.
TEST(GridFinder, ATensorOfManyElementsStaysWhole) {
  const std::vector<uint64_t> dims = {1200, 1000};
  EncodeOptions fast;
  fast.effort = Effort::kFast;
  for (const bool on_grid : {true, false}) {
    std::mt19937_64 random(12);
    std::vector<double> values;
    for (size_t i = 0; i < dims[0] * dims[1]; ++i) {
      const auto k = static_cast<float>(static_cast<int>(random() % 255) - 127);
      const float scale = 0.001F * static_cast<float>(1 + i / dims[1] % 97);
      const double noise = on_grid ? 0 : 1e-7 * static_cast<double>(random() % 97);
      values.push_back(double{k * scale} + noise);
    }
    Sample sample;
    sample.dtype = DType::kF32;
    sample.dims = dims;
    sample.data = words_of(DType::kF32, values);
    const format::Encoding e = chosen(sample, fast);
    EXPECT_EQ(e.values == format::Values::kGrid, on_grid);
    EXPECT_EQ(e.grid_units, on_grid ? 1200u : 0u);
    const TensorInput input = sample.input();
    Result<TensorStats> stats = TensorStats::create(input.spec, fast);
    ASSERT_TRUE(stats.ok());
    Progress progress({});
    const Parallel parallel;
    const Work work{parallel, progress, uint64_t{1} << 30};
    for (Bytes left = sample.data; !left.empty();) {  // across rows
      const size_t n = std::min<size_t>(left.size(), 4 * 12345);
      TensorStats part = TensorStats::create(input.spec, {}).take();
      ASSERT_TRUE(part.add(left.first(n), work).ok());
      ASSERT_TRUE(stats.value().merge(part.save()).ok());
      left = left.subspan(n);
    }
    EXPECT_EQ(stats.value().seem_on_grid(), on_grid);
    EXPECT_EQ(plan_ranges(input.spec, fast, stats.value(), work).ok(), !on_grid);
  }
}

}  // namespace
}  // namespace dcf::impl::encode
