// SPDX-License-Identifier: Apache-2.0
// Layers through the C ABI: what they answer, what they refuse, and that they outlive their file.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <dcf/dcf.hpp>
#include <filesystem>
#include <thread>

namespace dcf {
namespace {

class LayerApi : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* const test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    path_ = ::testing::TempDir() + "layer_api_" + test + ".dcf";  // tests may run at once
    std::filesystem::remove(path_);
    Writer writer = Writer::open(path_).value();
    const std::vector<float> w = {1, 0, -2, 0, 0, 0.5f};
    const uint64_t shape[] = {2, 3};
    writer.add<float>("linear", w, shape).value();
    const std::vector<float> k = {1, 0, 0, 2};
    const uint64_t kernel[] = {1, 1, 2, 2};
    writer.add<float>("conv", k, kernel).value();
    const std::vector<uint8_t> raw(8, 1);
    const uint64_t one[] = {1};
    writer.add_bytes(tensor_spec("complex", DCF_DTYPE_C64, one), raw).value();
    writer.finish().value();
  }

  void TearDown() override { std::filesystem::remove(path_); }

  std::string path_;
};

TEST_F(LayerApi, ProductsOutliveTheFile) {
  auto layer = [&] {
    const File file = File::open(path_).value();
    return Layer::prepare(file.tensor("linear").value()).value();
  }();
  EXPECT_EQ(layer.info().inputs, 3u);
  EXPECT_EQ(layer.info().outputs, 2u);
  EXPECT_EQ(layer.info().nonzeros, 3u);
  const std::vector<float> x = {1, 2, 4, 8, 16, 32};
  std::vector<float> y(4);
  layer.apply(x, y, 2).value();
  EXPECT_EQ(y, (std::vector<float>{-7, 2, -56, 16}));
  EXPECT_TRUE(layer.apply({}, {}, 0));
  EXPECT_FALSE(layer.apply(x, y, 3));
}

TEST_F(LayerApi, Convolutions) {
  const File file = File::open(path_).value();
  dcf_conv2d_shape shape{};
  shape.struct_size = sizeof shape;
  shape.in_channels = 1;
  shape.height = 2;
  shape.width = 3;
  const Layer layer = Layer::prepare_conv2d(file.tensor("conv").value(), shape).value();
  const std::vector<float> x = {1, 2, 3, 4, 5, 6};
  std::vector<float> y(2);
  layer.apply(x, y).value();
  EXPECT_EQ(y, (std::vector<float>{11, 14}));
  shape.in_channels = 2;
  EXPECT_FALSE(Layer::prepare_conv2d(file.tensor("conv").value(), shape));
}

TEST_F(LayerApi, TakesAHintOfHowDenseInputsAre) {
  std::filesystem::remove(path_);
  Writer writer = Writer::open(path_).value();
  const std::vector<float> w = {1, 0, 0, 0, 0, 0, 2, 0, 0, 4, 0, 0, 0, 0, 0, 8};
  const uint64_t shape[] = {4, 4};
  writer.add<float>("sparse", w, shape).value();
  writer.finish().value();
  const File file = File::open(path_).value();
  const Tensor tensor = file.tensor("sparse").value();
  dcf_layer_options options;
  dcf_layer_options_init(&options);
  EXPECT_EQ(options.input_density, 0);
  for (const double density : {-0.1, 1.1, std::nan("")}) {
    options.input_density = density;
    EXPECT_EQ(Layer::prepare(tensor, options).error().status, DCF_STATUS_INVALID_ARGUMENT);
  }
  options.input_density = 0.1;
  const Layer layer = Layer::prepare(tensor, options).value();
  EXPECT_EQ(std::string(layer.info().kernel), "columns-f32");
  const std::vector<float> x = {1, 2, 0, 4};
  std::vector<float> y(4);
  layer.apply(x, y).value();
  EXPECT_EQ(y, (std::vector<float>{1, 0, 8, 32}));

  // Callers that were compiled before there was one.
  options.input_density = -1;
  options.struct_size = offsetof(dcf_layer_options, input_density);
  EXPECT_TRUE(Layer::prepare(tensor, options));
}

TEST_F(LayerApi, RefusesWhatItCannotDo) {
  const File file = File::open(path_).value();
  dcf_layer* layer = nullptr;
  dcf_error error = DCF_ERROR_INIT;
  EXPECT_EQ(dcf_layer_prepare(nullptr, 0, nullptr, &layer, &error), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(dcf_layer_prepare(file.get(), 3, nullptr, &layer, &error), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(dcf_layer_prepare(file.get(), 0, nullptr, nullptr, &error),
            DCF_STATUS_INVALID_ARGUMENT);
  size_t index = 0;
  ASSERT_EQ(dcf_tensor_find(file.get(), "complex", 7, &index, &error), DCF_OK);
  EXPECT_EQ(dcf_layer_prepare(file.get(), index, nullptr, &layer, &error),
            DCF_STATUS_UNSUPPORTED_DTYPE);
  EXPECT_EQ(layer, nullptr);

  dcf_layer_options options;
  dcf_layer_options_init(&options);
  options.kernel = "quantum";
  ASSERT_EQ(dcf_tensor_find(file.get(), "linear", 6, &index, &error), DCF_OK);
  EXPECT_EQ(dcf_layer_prepare(file.get(), index, &options, &layer, &error),
            DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(dcf_layer_prepare_conv2d(file.get(), index, nullptr, nullptr, &layer, &error),
            DCF_STATUS_INVALID_ARGUMENT);

  ASSERT_EQ(dcf_layer_prepare(file.get(), index, nullptr, &layer, &error), DCF_OK);
  const float x[3] = {};
  float y[2] = {};
  EXPECT_EQ(dcf_layer_apply(nullptr, x, 3, y, 2, 1, &error), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(dcf_layer_apply(layer, nullptr, 3, y, 2, 1, &error), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(dcf_layer_apply(layer, x, 3, nullptr, 2, 1, &error), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(dcf_layer_apply(layer, x, 3, y, 2, UINT64_MAX / 2, &error),
            DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(dcf_layer_describe(layer, nullptr, &error), DCF_STATUS_INVALID_ARGUMENT);
  dcf_layer_close(layer);
  dcf_layer_close(nullptr);
}

// A matrix that every kernel for matrices takes in one of its two forms.
TEST_F(LayerApi, EveryKernelOfTheListTakesItsLayers) {
  const File file = File::open(path_).value();
  std::vector<std::string_view> names;
  for (size_t i = 0; i < layer_kernel_count(); ++i) names.push_back(layer_kernel_name(i));
  EXPECT_EQ(names.size(), 10u);
  EXPECT_STREQ(dcf_layer_kernel_name(names.size()), "");
  EXPECT_STREQ(dcf_layer_kernel_name(SIZE_MAX), "");
  dcf_conv2d_shape shape = DCF_CONV2D_SHAPE_INIT;
  shape.in_channels = 1;
  shape.height = shape.width = 3;
  for (const std::string_view name : names) {
    dcf_layer_options options;
    dcf_layer_options_init(&options);
    options.kernel = name.data();
    const bool conv = name.starts_with("conv-");
    const auto wrong = conv ? Layer::prepare(file.tensor("linear").value(), options)
                            : Layer::prepare_conv2d(file.tensor("conv").value(), shape, options);
    ASSERT_FALSE(wrong) << name;
    EXPECT_EQ(wrong.error().status, DCF_STATUS_INVALID_ARGUMENT) << name;
    auto right = conv ? Layer::prepare_conv2d(file.tensor("conv").value(), shape, options)
                      : Layer::prepare(file.tensor("linear").value(), options);
    if (right) {
      EXPECT_EQ(right.value().info().kernel, name);
    } else {
      EXPECT_EQ(right.error().status, DCF_STATUS_INVALID_ARGUMENT) << name;
    }
  }
}

TEST_F(LayerApi, BiasAndRelu) {
  const File file = File::open(path_).value();
  const Tensor tensor = file.tensor("linear").value();
  const std::vector<float> x = {1, 2, 4, 8, 16, 32};  // W x: -7, 2, -56, 16
  std::vector<float> y(4);
  dcf_layer_options options;
  dcf_layer_options_init(&options);
  EXPECT_EQ(options.bias, nullptr);
  EXPECT_EQ(options.activation, DCF_ACTIVATION_NONE);
  {
    std::vector<float> bias = {10, -4, 99};  // may be longer
    options.bias = bias.data();
    options.bias_elements = bias.size();
    Layer layer = Layer::prepare(tensor, options).value();
    bias = {0, 0, 0};  // was copied
    EXPECT_EQ(layer.info().bias_elements, 2u);
    EXPECT_EQ(layer.info().activation, DCF_ACTIVATION_NONE);
    layer.apply(x, y, 2).value();
    EXPECT_EQ(y, (std::vector<float>{3, -2, -46, 12}));
  }
  const float bias[] = {10, -4};
  options.bias = bias;
  options.bias_elements = 2;
  options.activation = DCF_ACTIVATION_RELU;
  const Layer layer = Layer::prepare(tensor, options).value();
  EXPECT_EQ(layer.info().activation, DCF_ACTIVATION_RELU);
  layer.apply(x, y, 2).value();
  EXPECT_EQ(y, (std::vector<float>{3, 0, 0, 12}));

  options.bias = nullptr;
  EXPECT_EQ(Layer::prepare(tensor, options).error().status, DCF_STATUS_INVALID_ARGUMENT);
  options.bias_elements = 0;
  const Layer relu = Layer::prepare(tensor, options).value();
  EXPECT_EQ(relu.info().bias_elements, 0u);
  relu.apply(x, y, 2).value();
  EXPECT_EQ(y, (std::vector<float>{0, 2, 0, 16}));
  options.bias = bias;
  options.bias_elements = 1;
  EXPECT_EQ(Layer::prepare(tensor, options).error().status, DCF_STATUS_INVALID_ARGUMENT);
  options.bias_elements = 2;
  for (const unsigned unknown : {2u, 0x80000000u, ~0u}) {
    options.activation = static_cast<dcf_activation>(unknown);
    EXPECT_EQ(Layer::prepare(tensor, options).error().status, DCF_STATUS_INVALID_ARGUMENT);
  }

  // Callers that were compiled before there were these fields.
  options.struct_size = offsetof(dcf_layer_options, parallel);
  const Layer old = Layer::prepare(tensor, options).value();
  EXPECT_EQ(old.info().bias_elements, 0u);
}

TEST_F(LayerApi, BiasOfAConvolutionIsPerChannel) {
  const File file = File::open(path_).value();
  dcf_conv2d_shape shape = DCF_CONV2D_SHAPE_INIT;
  shape.in_channels = 1;
  shape.height = 2;
  shape.width = 3;
  dcf_layer_options options;
  dcf_layer_options_init(&options);
  const float bias[] = {-12};
  options.bias = bias;
  options.bias_elements = 1;
  options.activation = DCF_ACTIVATION_RELU;
  const Layer layer = Layer::prepare_conv2d(file.tensor("conv").value(), shape, options).value();
  const std::vector<float> x = {1, 2, 3, 4, 5, 6};
  std::vector<float> y(2);
  layer.apply(x, y).value();  // 11, 14
  EXPECT_EQ(y, (std::vector<float>{0, 2}));
}

size_t threads_of_this_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST_F(LayerApi, LayersShareTheThreadsOfTheirFile) {
  std::thread([] {}).join();  // with the first thread a sanitizer starts one of its own
  const size_t before = threads_of_this_process();
  std::vector<Layer> layers;
  {
    dcf_open_options open;
    dcf_open_options_init(&open);
    open.threads = 2;
    const File file = File::open(path_, open).value();
    dcf_layer_options options;
    dcf_layer_options_init(&options);
    options.threads = 2;
    options.kernel = "rows";
    for (int i = 0; i < 5; ++i)
      layers.push_back(Layer::prepare(file.tensor("linear").value(), options).value());
  }
  const std::vector<float> x(3 * 64, 1.0f);
  std::vector<float> y(2 * 64);
  for (const Layer& layer : layers) layer.apply(x, y, 64).value();
  EXPECT_LE(threads_of_this_process(), before + 1);
}

TEST_F(LayerApi, TheHostRunsTheProducts) {
  const File file = File::open(path_).value();
  dcf_layer_options options;
  dcf_layer_options_init(&options);
  size_t calls = 0;
  options.threads = 3;
  options.parallel_ctx = &calls;
  options.parallel = [](void* ctx, size_t n, void (*task)(void*, size_t), void* arg) {
    ++*static_cast<size_t*>(ctx);
    EXPECT_LE(n, 3u);
    for (size_t i = n; i-- > 0;) task(arg, i);
  };
  options.kernel = "rows";
  const Layer layer = Layer::prepare(file.tensor("linear").value(), options).value();
  const std::vector<float> x = {1, 2, 4, 8, 16, 32};
  std::vector<float> y(4);
  layer.apply(x, y, 2).value();
  EXPECT_EQ(y, (std::vector<float>{-7, 2, -56, 16}));
  EXPECT_GT(calls, 0u);
}

}  // namespace
}  // namespace dcf
