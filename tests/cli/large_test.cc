// SPDX-License-Identifier: Apache-2.0
// Tensors far larger than memory in files of few bytes.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <dcf/dcf.hpp>
#include <optional>

#include "models.h"
#include "process.h"
#include "support/sanitizer.h"

namespace dcf::tools::test {
namespace {

constexpr uint64_t kMemory = uint64_t{512} << 20;

struct Csr {
  std::vector<uint64_t> row_ptr;
  std::vector<uint32_t> col;
  std::vector<float> values;
};

// `count` nonzeros spread over all of a rows x cols matrix, the last element among them.
Csr spread(uint64_t rows, uint64_t cols, uint64_t count) {
  Csr csr;
  csr.row_ptr.push_back(0);
  const uint64_t elements = rows * cols;
  uint64_t next = 0;
  for (uint64_t row = 0; row < rows; ++row) {
    for (; next < count; ++next) {
      const uint64_t at = elements - 1 - (count - 1 - next) * (elements / count);
      if (at >= (row + 1) * cols) break;
      csr.col.push_back(static_cast<uint32_t>(at - row * cols));
      csr.values.push_back(static_cast<float>(next + 1) / 8);
    }
    csr.row_ptr.push_back(next);
  }
  return csr;
}

void write(const std::string& path, uint64_t rows, uint64_t cols, const Csr& csr) {
  dcf_writer_options options = dcf::writer_options();
  options.max_memory = kMemory / 2;
  dcf::Writer writer = dcf::Writer::open(path, options).value();
  const uint64_t dims[] = {rows, cols};
  writer.add_csr<float>("w", dims, csr.row_ptr, csr.col, csr.values).value();
  writer.finish().value();
}

class Large : public ::testing::Test {
 protected:
  void open(uint64_t max_memory) {
    dcf_open_options options = dcf::open_options();
    if (max_memory != 0) options.max_memory = max_memory;
    file_.emplace(dcf::File::open(path_, options).value());
    tensor_.emplace(file_->tensor(0).value());
  }
  const dcf_tensor_info& info() const { return tensor_->info(); }

  void expect_csr(const Csr& expected) {
    const dcf::Csr<float> read = tensor_->csr<float>().value();
    EXPECT_TRUE(std::ranges::equal(read.row_ptr, expected.row_ptr));
    EXPECT_TRUE(std::ranges::equal(read.col, expected.col));
    EXPECT_TRUE(std::ranges::equal(read.values, expected.values));
  }

  void expect_verified() {
    const dcf::Status sound = file_->verify();
    EXPECT_TRUE(sound) << sound.error().message;
    const Result result = dcf({"verify", path_, "-M", "512M"});
    expect_success(result);
    EXPECT_LT(result.peak_bytes, kMemory);
  }

  static void expect_little_memory() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
#ifndef DCF_TSAN  // which shadows all memory several times
    EXPECT_LT(static_cast<uint64_t>(usage.ru_maxrss) * 1024, kMemory);
#endif
  }

  TempDir dir_;
  std::string path_ = dir_.path("large.dcf");
  std::optional<dcf::File> file_;
  std::optional<dcf::Tensor> tensor_;
};

class MoreThanTwoToThe31Elements : public Large, public ::testing::WithParamInterface<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Rows, MoreThanTwoToThe31Elements, ::testing::Values(1, 3));

TEST_P(MoreThanTwoToThe31Elements, AThousandNonzeros) {
  constexpr uint64_t kElements = (uint64_t{1} << 31) + 1;
  const uint64_t rows = GetParam();
  const uint64_t cols = kElements / rows;
  ASSERT_EQ(rows * cols, kElements);
  const Csr csr = spread(rows, cols, 1000);
  write(path_, rows, cols, csr);
  open(kMemory / 2);
  EXPECT_EQ(info().elements, rows * cols);
  EXPECT_EQ(info().nonzeros, 1000u);
  EXPECT_EQ(info().dense_bytes, 4 * rows * cols);
  expect_csr(csr);
  // A row of 2.9 GB or more is refused before a byte of the buffer is touched.
  float few[4] = {};
  EXPECT_EQ(tensor_->decode_rows_to(rows - 1, 1, few, sizeof few).status(),
            DCF_STATUS_BUFFER_TOO_SMALL);
  expect_verified();
  expect_little_memory();
}

TEST_F(Large, RowsBeyondTwoToThe31Elements) {
  constexpr uint64_t kRows = 65'537;
  constexpr uint64_t kCols = 32'769;
  const Csr csr = spread(kRows, kCols, 1000);
  write(path_, kRows, kCols, csr);
  open(kMemory / 2);
  EXPECT_GT(info().elements, uint64_t{1} << 31);
  expect_csr(csr);
  constexpr uint64_t kFirst = kRows - 700;
  dcf::Buffer<float> dense = tensor_->rows<float>(kFirst, 700).value();
  for (uint64_t row = kFirst; row < kRows; ++row) {
    for (uint64_t i = csr.row_ptr[row]; i < csr.row_ptr[row + 1]; ++i) {
      float& element = dense.data()[(row - kFirst) * kCols + csr.col[i]];
      EXPECT_EQ(element, csr.values[i]);
      element = 0;
    }
  }
  EXPECT_TRUE(std::all_of(dense.begin(), dense.end(), [](float v) { return v == 0; }));
  EXPECT_EQ(csr.col.back(), kCols - 1);
  expect_verified();
  expect_little_memory();
}

TEST_F(Large, AGigabyteOfZerosUnderDefaultLimits) {
  constexpr uint64_t kSide = 16'384;
  static_assert(4 * kSide * kSide == uint64_t{1} << 30);
  write(path_, kSide, kSide, spread(kSide, kSide, 0));
  open(0);
  EXPECT_EQ(info().nonzeros, 0u);
  expect_csr(spread(kSide, kSide, 0));
  expect_verified();
  const dcf::Buffer<float> row = tensor_->rows<float>(kSide - 1, 1).value();
  EXPECT_EQ(row.size(), kSide);
  EXPECT_TRUE(std::all_of(row.begin(), row.end(), [](float v) { return v == 0; }));
  expect_success(dcf({"verify", path_}));
  expect_success(dcf({"info", path_}));
  expect_little_memory();
}

}  // namespace
}  // namespace dcf::tools::test
