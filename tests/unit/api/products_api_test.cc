// SPDX-License-Identifier: Apache-2.0
// Products, convolutions, pooling and layers of the C ABI: results, sizes that are refused, and the
// memory that they state, under a meter.
#include <gtest/gtest.h>

#include <limits>

#include "support/memory_meter.h"
#include "written_file.h"

namespace dcf::api_test {
namespace {

using impl::testing::MemoryMeter;

dcf_status add_floats(dcf_writer* writer, std::string_view name, const std::vector<uint64_t>& dims,
                      const std::vector<float>& data, dcf_error* error) {
  const dcf_tensor_spec spec = spec_of(name, DCF_DTYPE_F32, dims);
  return dcf_writer_add_dense(writer, &spec, data.data(), data.size() * sizeof(float), nullptr,
                              error);
}

TEST(ProductsApi, BatchesComeFirst) {
  const WrittenFile file([](dcf_writer* writer, dcf_error* error) {
    return add_floats(writer, "w", {2, 3}, {1, 0, -2, 0, 0, 0.5f}, error);
  });
  const std::vector<float> x = {1, 2, 4, 8, 16, 32};
  std::vector<float> y(4);
  ASSERT_EQ(dcf_tensor_matvec(file.get(), 0, x.data(), 3, y.data(), 2, nullptr), DCF_OK);
  EXPECT_EQ(y, (std::vector<float>{-7, 2, 0, 0}));
  ASSERT_EQ(dcf_tensor_matmul(file.get(), 0, x.data(), 6, y.data(), 4, 2, nullptr), DCF_OK);
  EXPECT_EQ(y, (std::vector<float>{-7, 2, -56, 16}));
  EXPECT_EQ(dcf_tensor_matmul(file.get(), 0, x.data(), 5, y.data(), 4, 2, nullptr),
            DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(dcf_tensor_matmul(file.get(), 0, x.data(), 6, y.data(), 3, 2, nullptr),
            DCF_STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(dcf_tensor_matmul(file.get(), 0, x.data(), 6, y.data(), 4, UINT64_MAX / 2, nullptr),
            DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(dcf_tensor_matmul(file.get(), 1, x.data(), 6, y.data(), 4, 2, nullptr),
            DCF_STATUS_INVALID_ARGUMENT);
}

class Conv2dApi : public ::testing::Test {
 protected:
  Conv2dApi()
      : file_([](dcf_writer* writer, dcf_error* error) {
          return add_floats(writer, "k", {1, 1, 2, 2}, {1, 0, 0, 2}, error);
        }) {
    shape_.in_channels = 1;
    shape_.height = 2;
    shape_.width = 3;
  }
  dcf_status run(size_t x_elements, size_t y_elements, uint64_t batch) {
    return dcf_tensor_conv2d(file_.get(), 0, &shape_, x_, x_elements, y_, y_elements, batch,
                             nullptr);
  }

  WrittenFile file_;
  dcf_conv2d_shape shape_ = DCF_CONV2D_SHAPE_INIT;
  const float x_[12] = {1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60};
  float y_[4] = {};
};

TEST_F(Conv2dApi, OneImageAndTwo) {
  ASSERT_EQ(run(6, 2, 1), DCF_OK);
  EXPECT_EQ(y_[0], 11);
  EXPECT_EQ(y_[1], 14);
  ASSERT_EQ(run(12, 4, 2), DCF_OK);
  EXPECT_EQ(y_[2], 110);
  EXPECT_EQ(y_[3], 140);
}

TEST_F(Conv2dApi, RefusesSizesAndShapesThatDoNotFit) {
  EXPECT_EQ(run(11, 4, 2), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(run(12, 3, 2), DCF_STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(run(12, 4, UINT64_MAX), DCF_STATUS_INVALID_ARGUMENT);
  shape_.groups = 2;
  EXPECT_EQ(run(12, 4, 2), DCF_STATUS_INVALID_ARGUMENT);
  shape_.groups = 1;
  shape_.height = 1;  // the kernel is higher
  EXPECT_EQ(run(12, 4, 2), DCF_STATUS_INVALID_ARGUMENT);
  shape_.height = UINT64_MAX;
  EXPECT_EQ(run(12, 4, 2), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(dcf_tensor_conv2d(file_.get(), 0, nullptr, x_, 12, y_, 4, 2, nullptr),
            DCF_STATUS_INVALID_ARGUMENT);
}

TEST(Pool2dApi, MaximumAndAverage) {
  dcf_pool2d_shape shape = DCF_POOL2D_SHAPE_INIT;
  shape.channels = 1;
  shape.height = shape.width = 4;
  shape.kernel_h = shape.kernel_w = 2;
  std::vector<float> x(16);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  std::vector<float> y(4);
  ASSERT_EQ(dcf_pool2d(&shape, x.data(), 16, y.data(), 4, 1, nullptr), DCF_OK);
  EXPECT_EQ(y, (std::vector<float>{5, 7, 13, 15}));
  shape.pool = DCF_POOL_AVERAGE;
  ASSERT_EQ(dcf_pool2d(&shape, x.data(), 16, y.data(), 4, 1, nullptr), DCF_OK);
  EXPECT_EQ(y, (std::vector<float>{2.5f, 4.5f, 10.5f, 12.5f}));
}

TEST(Pool2dApi, RefusesSizesShapesAndKindsThatAreNone) {
  dcf_pool2d_shape shape = DCF_POOL2D_SHAPE_INIT;
  shape.channels = 1;
  shape.height = shape.width = 4;
  shape.kernel_h = shape.kernel_w = 2;
  const std::vector<float> x(16);
  std::vector<float> y(4);
  const auto run = [&](size_t x_elements, size_t y_elements) {
    return dcf_pool2d(&shape, x.data(), x_elements, y.data(), y_elements, 1, nullptr);
  };
  EXPECT_EQ(run(15, 4), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(run(16, 3), DCF_STATUS_BUFFER_TOO_SMALL);
  shape.pool = static_cast<dcf_pool>(7);
  EXPECT_EQ(run(16, 4), DCF_STATUS_INVALID_ARGUMENT);
  shape.pool = DCF_POOL_MAX;
  shape.pad_h = 2;  // more than half of the kernel
  EXPECT_EQ(run(16, 4), DCF_STATUS_INVALID_ARGUMENT);
  shape.pad_h = 0;
  shape.kernel_h = 5;
  EXPECT_EQ(run(16, 4), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(dcf_pool2d(nullptr, x.data(), 16, y.data(), 4, 1, nullptr),
            DCF_STATUS_INVALID_ARGUMENT);
}

// A file of one matrix, opened with each limit of memory from far too little on: a call works
// within the limit, or fails with LimitMemory.
TEST(ProductsApi, MemoryOfAProductAndOfALayerIsWithinTheLimit) {
  constexpr uint64_t kRows = 200;
  constexpr uint64_t kCols = 300;
  constexpr uint64_t kBatch = 32;
  constexpr size_t kFixed = 32000;  // objects, messages, lists of one element per thread
  std::vector<float> weights(kRows * kCols);
  for (size_t i = 0; i < weights.size(); i += 5) weights[i] = static_cast<float>(1 + i % 11);
  const WrittenFile file([&](dcf_writer* writer, dcf_error* error) {
    return add_floats(writer, "w", {kRows, kCols}, weights, error);
  });
  const std::vector<float> x(kCols * kBatch, 1);
  std::vector<float> y(kRows * kBatch);
  int products = 0;
  int layers = 0;
  for (uint64_t memory = 30000; memory < 4000000; memory *= 2) {
    const MemoryMeter meter;
    dcf_open_options options;
    dcf_open_options_init(&options);
    options.max_memory = memory;
    options.threads = 1;
    dcf_file* opened = nullptr;
    dcf_status status =
        dcf_file_open_memory(file.bytes().data(), file.bytes().size(), &options, &opened, nullptr);
    if (status == DCF_OK) {
      status =
          dcf_tensor_matmul(opened, 0, x.data(), x.size(), y.data(), y.size(), kBatch, nullptr);
      products += status == DCF_OK;
    }
    if (status != DCF_OK) {
      EXPECT_EQ(status, DCF_STATUS_LIMIT_MEMORY);
    }
    EXPECT_LE(meter.peak(), memory + kFixed);

    dcf_layer* layer = nullptr;
    status = dcf_layer_prepare(opened, 0, nullptr, &layer, nullptr);
    EXPECT_LE(meter.peak(), memory + kFixed);
    if (opened != nullptr && status != DCF_OK) {
      EXPECT_EQ(status, DCF_STATUS_LIMIT_MEMORY);
    }
    dcf_file_close(opened);
    if (layer == nullptr) continue;
    dcf_layer_info info = DCF_LAYER_INFO_INIT;
    ASSERT_EQ(dcf_layer_describe(layer, &info, nullptr), DCF_OK);
    EXPECT_LE(meter.held(), info.packed_bytes + kFixed);
    const MemoryMeter call;
    ASSERT_EQ(dcf_layer_apply(layer, x.data(), kCols, y.data(), kRows, 1, nullptr), DCF_OK);
    EXPECT_LE(call.peak(), info.working_bytes + kFixed);
    dcf_layer_close(layer);
    ++layers;
  }
  EXPECT_GT(products, 0);
  EXPECT_GT(layers, 0);
}

}  // namespace
}  // namespace dcf::api_test
