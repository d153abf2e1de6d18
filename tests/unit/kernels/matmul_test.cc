// SPDX-License-Identifier: Apache-2.0
// Products from the compressed form against a plain product of the dense words: every encoding,
// views, aliases of other shape, batches, any number of threads, edge shapes, limits.
#include "kernels/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/float_convert.h"
#include "support/sample.h"

namespace dcf::impl::kernels {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

std::vector<float> input(uint64_t n) {
  std::vector<float> x(n);
  for (uint64_t i = 0; i < n; ++i) x[i] = static_cast<float>(static_cast<int>(i * 7 % 31) - 15) / 8;
  return x;
}

// Sums of products of small dyadic numbers are exact in double in any order.
std::vector<float> expected(const Sample& s, uint64_t rows, std::span<const float> x,
                            uint64_t batch) {
  const uint64_t cols = s.words.size() / rows;
  std::vector<float> y;
  for (uint64_t b = 0; b < batch; ++b) {
    for (uint64_t r = 0; r < rows; ++r) {
      double sum = 0;
      for (uint64_t c = 0; c < cols; ++c) {
        sum += word_to_double(s.dtype, s.words[r * cols + c]) * x[b * cols + c];
      }
      y.push_back(static_cast<float>(sum));
    }
  }
  return y;
}

Status product(const model::Model& model, size_t tensor, std::span<const float> x, uint64_t batch,
               std::vector<float>* y) {
  y->assign(model.manifest()->tensors[tensor].rows() * batch, 99);
  return matmul(model, tensor, x, batch, *y);
}

TEST(Matmul, EveryEncodingViewAndBatch) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kF64, DType::kBF16, DType::kF8E5M2,
                            DType::kF8E4M3FNUZ, DType::kI8, DType::kU16}) {
    for (const format::Encoding& e : encodings_of(dtype)) {
      for (int view = 0; view < 3; ++view) {
        if (view == 2 && e.is_raw()) continue;
        Sample s = random_sample(dtype, {12, 30}, e, static_cast<uint64_t>(view));
        s.name = "a";
        s.view = view == 0   ? format::View{}
                 : view == 1 ? format::View{7, false}
                             : format::View{12, true};
        s.rows_per_chunk = 4;
        Sample alias;
        alias.name = "b";
        alias.dtype = dtype;
        alias.dims = {8, 9, 5};
        alias.alias_of = "a";
        SCOPED_TRACE(std::string(dtype_name(dtype)) + " " + encoding_name(e) + " view " +
                     std::to_string(view));
        const Blob file = make_file({s, alias});
        for (const unsigned threads : {1u, 4u}) {
          const auto model = open_bytes(file, threads);
          ASSERT_TRUE(model.ok());
          for (const uint64_t batch : {1, 3}) {
            std::vector<float> y;
            const std::vector<float> x = input(45 * batch);
            ASSERT_TRUE(product(*model.value(), 0, std::span(x).first(30 * batch), batch, &y).ok());
            EXPECT_EQ(y, expected(s, 12, x, batch));
            ASSERT_TRUE(product(*model.value(), 1, x, batch, &y).ok());
            EXPECT_EQ(y, expected(s, 8, x, batch));
          }
        }
      }
    }
  }
}

TEST(Matmul, RoundsOnceAndTheSameForAnyNumberOfThreads) {
  format::Encoding e;
  e.positions = format::Positions::kGapBucket;
  e.bucket_t = 3;
  e.values = format::Values::kSplit;
  e.split_t = 8;
  Sample s = random_sample(DType::kF32, {40, 500}, e, 5, 3, 200);
  s.view.cols = 450;  // rows share chunks and chunks share rows
  s.rows_per_chunk = 1;
  const Blob file = make_file({s});
  std::vector<float> x(500);
  for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i));
  std::vector<float> first;
  for (const unsigned threads : {1u, 2u, 3u, 8u}) {
    const auto model = open_bytes(file, threads);
    ASSERT_TRUE(model.ok());
    std::vector<float> y;
    ASSERT_TRUE(product(*model.value(), 0, x, 1, &y).ok());
    if (first.empty()) first = y;
    EXPECT_EQ(std::memcmp(first.data(), y.data(), 4 * y.size()), 0);
  }
}

TEST(Matmul, SkippedZerosMeetNoInfinity) {
  for (const format::Encoding& e : encodings_of(DType::kF32)) {
    Sample s = random_sample(DType::kF32, {4, 8}, e, 1);
    for (size_t i = 0; i < 32; ++i) s.words[i] = i % 8 == 3 ? 0 : float_word(1);
    if (e.values == format::Values::kSplit &&
        (!e.is_sparse() || e.positions == format::Positions::kGap))
      s.encoding.split_t = 8;
    const Blob file = make_file({s});
    const auto model = open_bytes(file);
    ASSERT_TRUE(model.ok()) << encoding_name(e);
    std::vector<float> x(8, 1);
    x[3] = std::numeric_limits<float>::infinity();
    std::vector<float> y;
    ASSERT_TRUE(product(*model.value(), 0, x, 1, &y).ok());
    for (const float v : y) EXPECT_EQ(v, 7) << encoding_name(e);
  }
}

TEST(Matmul, NanWeightsPropagate) {
  Sample s;
  s.dims = {2, 2};
  s.words = {0x7FC00000, 0, 0, float_word(1)};
  const Blob file = make_file({s});
  const auto model = open_bytes(file);
  ASSERT_TRUE(model.ok());
  std::vector<float> y;
  ASSERT_TRUE(product(*model.value(), 0, std::vector<float>{1, 2}, 1, &y).ok());
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(y[1], 2);
}

TEST(Matmul, EdgeShapes) {
  for (const std::vector<uint64_t>& dims :
       {std::vector<uint64_t>{}, {1}, {5}, {0}, {0, 4}, {4, 0}, {1, 5}, {5, 1}}) {
    Sample s;
    s.dims = dims;
    uint64_t n = 1;
    for (const uint64_t d : dims) n *= d;
    for (uint64_t i = 0; i < n; ++i) s.words.push_back(float_word(static_cast<float>(i + 1)));
    const Blob file = make_file({s});
    const auto model = open_bytes(file);
    ASSERT_TRUE(model.ok());
    const format::Tensor& t = model.value()->manifest()->tensors[0];
    const std::vector<float> x = input(t.cols() * 2);
    std::vector<float> y;
    ASSERT_TRUE(product(*model.value(), 0, x, 2, &y).ok());
    EXPECT_EQ(y, n == 0 ? std::vector<float>(t.rows() * 2) : expected(s, t.rows(), x, 2));
    ASSERT_TRUE(product(*model.value(), 0, {}, 0, &y).ok());
  }
}

TEST(Matmul, RawOnlyDtypesHaveNoProduct) {
  Sample s;
  s.dtype = DType::kF4;
  s.dims = {2, 2};
  s.words = {1, 2, 3, 4};
  const Blob file = make_file({s});
  const auto model = open_bytes(file);
  ASSERT_TRUE(model.ok());
  std::vector<float> y;
  EXPECT_EQ(product(*model.value(), 0, input(2), 1, &y).code, Code::UnsupportedDType);
}

TEST(Matmul, SumsCountAgainstTheLimit) {
  Sample s = random_sample(DType::kF32, {64, 4}, {}, 1);
  const Blob file = make_file({s});
  Limits limits;
  limits.max_memory = 20000;
  const auto model = open_bytes(file, 1, limits);
  ASSERT_TRUE(model.ok());
  std::vector<float> y;
  EXPECT_TRUE(product(*model.value(), 0, input(4), 1, &y).ok());
  const Status status = product(*model.value(), 0, input(4 * 64), 64, &y);
  EXPECT_EQ(status.code, Code::LimitMemory);
  EXPECT_STREQ(status.rule, "L-01");
  EXPECT_EQ(status.offset, model.value()->layout().chunk_offsets[0]);
}

TEST(Matmul, SumsAndChunksCountTogether) {
  const Blob file = make_file({random_sample(DType::kF32, {64, 4}, {}, 1)});
  Limits limits;
  const auto unlimited = open_bytes(file, 1, limits);
  ASSERT_TRUE(unlimited.ok());
  const uint64_t resident = limits.max_memory - unlimited.value()->working_memory();
  // Two sets of sums for 64 rows and columns take 64 KiB, which leaves too little for the chunk.
  limits.max_memory = resident + 65536 + 500;
  const auto model = open_bytes(file, 1, limits);
  ASSERT_TRUE(model.ok());
  std::vector<float> y;
  EXPECT_EQ(product(*model.value(), 0, input(4 * 64), 64, &y).code, Code::LimitMemory);
}

// 2^17 chunks of 8 elements that each may touch any of 2^17 rows: the work must not be their
// product.
TEST(Matmul, SmallChunksOfATransposedView) {
  format::Encoding e;
  e.positions = format::Positions::kBitmap;
  e.values = format::Values::kPalette;
  FileParts parts = make_parts({random_sample(DType::kF32, {8, 8}, e, 1)});
  parts.columns.dims = {1 << 17, 8};
  parts.columns.view_cols = {0x80000002};
  parts.columns.rows_per_chunk = {4};
  parts.columns.nonzeros = {0};
  parts.chunks.assign(1 << 17, {});
  parts.columns.chunk_entries.assign(1 << 17, 0);
  const Blob file = assemble(parts);
  // Every loop over chunks clears and adds the sums of all rows: there is to be one loop at most.
  size_t loops = 0;
  const ParallelFn count = [](void* ctx, size_t n, void (*task)(void*, size_t), void* arg) {
    ++*static_cast<size_t*>(ctx);
    for (size_t i = 0; i < n; ++i) task(arg, i);
  };
  const auto model = model::Model::open(std::make_unique<io::MemorySource>(file), Limits{},
                                        Parallel{2, count, &loops});
  ASSERT_TRUE(model.ok()) << model.status().message;
  loops = 0;
  std::vector<float> y;
  EXPECT_TRUE(product(*model.value(), 0, input(8), 1, &y).ok());
  EXPECT_LE(loops, 1u);
}

}  // namespace
}  // namespace dcf::impl::kernels
