// SPDX-License-Identifier: Apache-2.0
// Tensors far larger than memory, of which a file holds few bytes.
#include <dcf/dcf.h>
#include <dcf/dcf_write.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>

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
  dcf_writer_options options;
  dcf_writer_options_init(&options);
  options.max_memory = kMemory / 2;
  dcf_error error = DCF_ERROR_INIT;
  dcf_writer* writer = nullptr;
  ASSERT_EQ(dcf_writer_open_path(path.c_str(), &options, &writer, &error), DCF_OK) << error.message;
  const uint64_t dims[] = {rows, cols};
  dcf_tensor_spec spec = DCF_TENSOR_SPEC_INIT;
  spec.name = "w";
  spec.name_size = 1;
  spec.dtype = DCF_DTYPE_F32;
  spec.rank = 2;
  spec.dims = dims;
  ASSERT_EQ(
      dcf_writer_add_csr(writer, &spec, csr.row_ptr.data(), csr.row_ptr.size(), csr.col.data(),
                         csr.values.data(), csr.values.size(), nullptr, &error),
      DCF_OK)
      << error.message;
  ASSERT_EQ(dcf_writer_finish(writer, &error), DCF_OK) << error.message;
  dcf_writer_close(writer);
}

class Large : public ::testing::Test {
 protected:
  ~Large() override { dcf_file_close(file_); }

  void open(uint64_t max_memory) {
    dcf_open_options options;
    dcf_open_options_init(&options);
    if (max_memory != 0) options.max_memory = max_memory;
    dcf_error error = DCF_ERROR_INIT;
    ASSERT_EQ(dcf_file_open_path(path_.c_str(), &options, &file_, &error), DCF_OK) << error.message;
    info_.struct_size = sizeof info_;
    ASSERT_EQ(dcf_tensor_describe(file_, 0, &info_, &error), DCF_OK) << error.message;
  }

  void expect_csr(const Csr& expected) {
    Csr read;
    read.row_ptr.resize(info_.rows + 1);
    read.col.resize(info_.nonzeros);
    read.values.resize(info_.nonzeros);
    dcf_csr csr{sizeof csr,      read.row_ptr.data(), read.row_ptr.size(), read.col.data(),
                read.col.size(), read.values.data(),  read.values.size(),  0};
    dcf_error error = DCF_ERROR_INIT;
    ASSERT_EQ(dcf_tensor_decode_csr(file_, 0, DCF_DTYPE_NONE, &csr, &error), DCF_OK)
        << error.message;
    EXPECT_EQ(csr.nonzeros, expected.values.size());
    EXPECT_EQ(read.row_ptr, expected.row_ptr);
    EXPECT_EQ(read.col, expected.col);
    EXPECT_EQ(read.values, expected.values);
  }

  void expect_verified() {
    dcf_error error = DCF_ERROR_INIT;
    EXPECT_EQ(dcf_file_verify(file_, nullptr, nullptr, &error), DCF_OK) << error.message;
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
  dcf_file* file_ = nullptr;
  dcf_tensor_info info_{};
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
  EXPECT_EQ(info_.elements, rows * cols);
  EXPECT_EQ(info_.nonzeros, 1000u);
  EXPECT_EQ(info_.dense_bytes, 4 * rows * cols);
  expect_csr(csr);
  // A row of 2.9 GB or more is refused before a byte of the buffer is touched.
  float few[4] = {};
  dcf_error error = DCF_ERROR_INIT;
  EXPECT_EQ(dcf_tensor_decode_rows(file_, 0, DCF_DTYPE_NONE, rows - 1, 1, few, sizeof few, &error),
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
  EXPECT_GT(info_.elements, uint64_t{1} << 31);
  expect_csr(csr);
  constexpr uint64_t kFirst = kRows - 700;
  std::vector<float> dense(700 * kCols);
  dcf_error error = DCF_ERROR_INIT;
  ASSERT_EQ(dcf_tensor_decode_rows(file_, 0, DCF_DTYPE_NONE, kFirst, 700, dense.data(),
                                   4 * dense.size(), &error),
            DCF_OK)
      << error.message;
  for (uint64_t row = kFirst; row < kRows; ++row) {
    for (uint64_t i = csr.row_ptr[row]; i < csr.row_ptr[row + 1]; ++i) {
      float& element = dense[(row - kFirst) * kCols + csr.col[i]];
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
  EXPECT_EQ(info_.nonzeros, 0u);
  expect_csr(spread(kSide, kSide, 0));
  expect_verified();
  std::vector<float> row(kSide, 1);
  dcf_error error = DCF_ERROR_INIT;
  ASSERT_EQ(dcf_tensor_decode_rows(file_, 0, DCF_DTYPE_NONE, kSide - 1, 1, row.data(),
                                   4 * row.size(), &error),
            DCF_OK)
      << error.message;
  EXPECT_EQ(row, std::vector<float>(kSide, 0));
  expect_success(dcf({"verify", path_}));
  expect_success(dcf({"info", path_}));
  expect_little_memory();
}

}  // namespace
}  // namespace dcf::tools::test
