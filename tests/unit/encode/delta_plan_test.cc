// SPDX-License-Identifier: Apache-2.0
// Delta values: they are found where elements are like earlier ones, are left out where they are
// not, and depend on nothing but the values.
#include "encode/plan/delta_plan.h"

#include <algorithm>
#include <cmath>

#include "encode/plan/delta_sample.h"
#include "support/words_of.h"
#include "writing.h"

namespace dcf::impl::encode {

using format::Values;

namespace {

EncodeOptions smallest() {
  EncodeOptions options;
  options.effort = Effort::kSmallest;
  return options;
}

std::vector<uint32_t> distances_of(const format::Encoding& e) {
  return {e.distances.begin(), e.distances.begin() + e.distance_count};
}

Sample integers(DType dtype, std::vector<uint64_t> dims, const std::vector<int64_t>& values) {
  Sample sample;
  sample.name = "w";
  sample.dtype = dtype;
  sample.dims = std::move(dims);
  const size_t width = dtype_bits(dtype) / 8;
  sample.data.resize(values.size() * width);
  for (size_t i = 0; i < values.size(); ++i) {
    store_word(&sample.data[i * width], width, static_cast<uint64_t>(values[i]));
  }
  return sample;
}

// Rows of noise, of which row r is like row r - `step`.
std::vector<int64_t> like_rows(size_t rows, size_t cols, size_t step, int64_t scale) {
  std::mt19937_64 random(rows + step);
  std::vector<int64_t> values(rows * cols);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto draw = static_cast<int64_t>(random() >> 1);
    values[i] = i < step * cols ? draw % scale - scale / 2 : values[i - step * cols] + draw % 5 - 2;
  }
  return values;
}

TEST(DeltaPlan, CountsUpInAFewBytes) {
  std::vector<int64_t> values(512);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int64_t>(i);
  for (const DType dtype : {DType::kI64, DType::kU64, DType::kI32, DType::kU32, DType::kI16}) {
    const Sample sample = integers(dtype, {512}, values);
    const ReferenceFile file = decoded(file_of({sample}));
    const format::Encoding& e = file.manifest.tensors.at(0).encoding;
    EXPECT_EQ(e.values, Values::kDelta) << dtype_name(dtype);
    EXPECT_EQ(distances_of(e), std::vector<uint32_t>{1}) << dtype_name(dtype);
    EXPECT_LT(file.manifest.tensors.at(0).encoded_bytes, 100u) << dtype_name(dtype);
    EXPECT_TRUE(file.dense.at(0) == sample.data);
  }
}

TEST(DeltaPlan, FindsTheRowBefore) {
  for (const DType dtype : {DType::kI16, DType::kI32, DType::kI8}) {
    const Sample sample = integers(dtype, {96, 64}, like_rows(96, 64, 1, 120));
    const format::Encoding e = chosen(sample);
    EXPECT_EQ(e.values, Values::kDelta) << dtype_name(dtype);
    EXPECT_EQ(distances_of(e), std::vector<uint32_t>{64}) << dtype_name(dtype);
  }
}

// Sines along the rows: differences of the keys of floats.
TEST(DeltaPlan, SmoothFloats) {
  std::vector<double> values;
  for (int i = 0; i < 300; ++i) {
    for (int k = 0; k < 64; ++k) values.push_back(std::sin(i / std::pow(300.0, k / 64.0)) + 1.5);
  }
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kF64}) {
    Sample sample;
    sample.name = "w";
    sample.dtype = dtype;
    sample.dims = {300, 64};
    sample.data = words_of(dtype, values);
    EXPECT_EQ(chosen(sample).values, Values::kDelta) << dtype_name(dtype);
  }
}

// Each row has the distance that suits it.
TEST(DeltaPlan, RowsChoose) {
  std::vector<int64_t> values = like_rows(128, 64, 4, 20000);
  const std::vector<int64_t> other = like_rows(128, 64, 1, 20000);
  for (size_t row = 64; row < 128; ++row) {
    std::copy_n(other.begin() + static_cast<ptrdiff_t>(row * 64), 64,
                values.begin() + static_cast<ptrdiff_t>(row * 64));
  }
  const format::Encoding e = chosen(integers(DType::kI16, {128, 64}, values), smallest());
  ASSERT_EQ(e.values, Values::kDelta);
  std::vector<uint32_t> distances = distances_of(e);
  std::sort(distances.begin(), distances.end());
  EXPECT_EQ(distances, (std::vector<uint32_t>{64, 256}));
  EXPECT_EQ(e.delta_run, 64u);
  EXPECT_EQ(e.delta_units, 128u);
}

TEST(DeltaPlan, NoiseHasNone) {
  std::mt19937_64 random(3);
  std::vector<int64_t> values(30000);
  for (int64_t& v : values) {
    v = 0;
    for (int k = 0; k < 12; ++k) v += static_cast<int64_t>(random() % 20) - 10;
  }
  std::vector<double> floats(values.begin(), values.end());
  for (double& v : floats) v = std::ldexp(v + static_cast<double>(random() % 1024) / 1024, -9);
  for (const EncodeOptions& options : {EncodeOptions{}, smallest()}) {
    EXPECT_NE(chosen(integers(DType::kI8, {100, 300}, values), options).values, Values::kDelta);
    EXPECT_NE(chosen(integers(DType::kI16, {100, 300}, values), options).values, Values::kDelta);
    Sample sample;
    sample.name = "w";
    sample.dims = {100, 300};
    sample.data = words_of(DType::kF32, floats);
    EXPECT_NE(chosen(sample, options).values, Values::kDelta);
  }
}

// A tensor with more elements than a row of the view takes its columns, and its classes too.
TEST(DeltaPlan, ColumnsOfALargeTensor) {
  constexpr size_t kRows = 4096;
  constexpr size_t kCols = 80;
  std::vector<int64_t> values = like_rows(kRows, kCols, 512, 3000);
  std::mt19937_64 random(8);
  for (size_t i = 0; i < values.size(); ++i) {
    if (i / kCols % 2 == 0) values[i] += static_cast<int64_t>(random() % 100);
  }
  const Sample sample = integers(DType::kI16, {kRows, kCols}, values);
  for (const EncodeOptions& options : {EncodeOptions{}, smallest()}) {
    const std::vector<uint8_t> whole = file_of({sample}, options);
    const ReferenceFile file = decoded(whole);
    const format::Tensor& tensor = file.manifest.tensors.at(0);
    EXPECT_TRUE(file.dense.at(0) == sample.data);
    ASSERT_EQ(tensor.encoding.values, Values::kDelta);
    EXPECT_TRUE(tensor.view.transposed);
    EXPECT_EQ(tensor.encoding.distances[0], 512u);
    EXPECT_TRUE(tensor.encoding.has_classes());
    EXPECT_EQ(tensor.encoding.class_run, 1u);
    EXPECT_TRUE(file_of({sample}, options, 3) == whole);
  }
}

// Unless the smallest encoding is asked for, elements of a float tensor stay near each other.
TEST(DeltaPlan, ColumnsOfALargeFloatTensor) {
  constexpr uint64_t kRows = 4096;
  constexpr uint64_t kCols = 80;
  const std::vector<int64_t> values = like_rows(kRows, kCols, 512, 3000);
  const Sample sample = integers(DType::kF16, {kRows, kCols}, values);
  EXPECT_NE(chosen(sample).values, Values::kDelta);
  EXPECT_EQ(chosen(sample, smallest()).values, Values::kDelta);
}

TEST(DeltaPlan, TheFileDependsOnNeitherPiecesNorThreads) {
  for (const EncodeOptions& options : {EncodeOptions{}, smallest()}) {
    const Sample sample =
        integers(DType::kI16, {4096, 80},
                 like_rows(4096, 80, options.effort == Effort::kSmallest ? 256 : 1, 900));
    const std::vector<uint8_t> whole = file_of({sample}, options);
    EXPECT_EQ(decoded(whole).manifest.tensors.at(0).encoding.values, Values::kDelta);
    expect_same_file_by_threads_and_in_pieces(sample, 49999, options);
  }
}

TEST(DeltaPlan, Layouts) {
  const auto layouts = [](const std::vector<uint64_t>& dims, bool transposed) {
    uint64_t elements = 1;
    for (const uint64_t d : dims) elements *= d;
    return delta_layouts(dims, elements, transposed);
  };
  ASSERT_EQ(layouts({22528, 1024}, true).size(), 2u);
  const DeltaLayout columns = layouts({22528, 1024}, true)[1];
  EXPECT_EQ(columns.view, (format::View{22528, true}));
  for (const uint32_t d : {1u, 8u, 704u, 2816u}) {
    EXPECT_NE(std::find(columns.distances.begin(), columns.distances.end(), d),
              columns.distances.end());
  }
  EXPECT_EQ(layouts({22528, 1024}, false).size(), 1u);
  for (const std::vector<uint64_t>& dims :
       {std::vector<uint64_t>{64}, {1500, 384}, {3, 1, 500000}, {1u << 20, 3}, {2, 1u << 19}}) {
    for (const DeltaLayout& layout : layouts(dims, true)) {
      EXPECT_LE(layout.view.cols, kMaxDenseViewCols);
      EXPECT_GE(layout.units.units, 1u);
      for (const uint32_t d : layout.distances) EXPECT_LT(d, layout.view.cols);
    }
  }
  EXPECT_TRUE(layouts({}, true).empty());
}

}  // namespace
}  // namespace dcf::impl::encode
