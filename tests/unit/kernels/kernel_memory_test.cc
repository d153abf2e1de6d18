// SPDX-License-Identifier: Apache-2.0
// Products, convolutions and layers keep to the memory that they state, under a meter of all that
// the program allocates: max_memory of the open file, packed_bytes and working_bytes of a layer.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "kernels/conv2d.h"
#include "kernels/layer.h"
#include "kernels/matmul.h"
#include "support/memory_meter.h"
#include "support/sample.h"

namespace dcf::impl::kernels {

using format::Values;

namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

// Bytes that depend on nothing in the file: objects, lists of one element per thread, messages.
constexpr size_t kFixed = 24000;

// And the choice of the library.
std::vector<const char*> linear_kernels() {
  std::vector<const char*> names = {""};
  for (const char* name : layer_kernel_names()) {
    if (!std::string_view(name).starts_with("conv-")) names.push_back(name);
  }
  return names;
}

// The first of the sparse encodings with these values.
format::Encoding sparse(Values values) {
  for (const format::Encoding& e : encodings_of(DType::kF32)) {
    if (e.is_sparse() && e.values == values) return e;
  }
  return {};
}

// A matrix with about one weight in `every`, in chunks of rows_per_chunk rows.
Sample matrix(uint64_t rows, uint64_t cols, Values values, unsigned every, uint32_t rows_per_chunk,
              format::View view = {}) {
  Sample s = random_sample(DType::kF32, {rows, cols}, sparse(values), rows + cols, every);
  s.rows_per_chunk = rows_per_chunk;
  s.view = view;
  return s;
}

// Matrices whose memory is in their entries, their rows, their columns, or their chunks.
std::vector<std::pair<std::string, Blob>> matrices() {
  std::vector<std::pair<std::string, Blob>> files;
  const auto add = [&](const char* name, const Sample& s) {
    files.emplace_back(name, make_file({s}));
  };
  add("palette", matrix(600, 500, Values::kPalette, 4, 64));
  add("raw values", matrix(600, 500, Values::kSplit, 4, 64));
  add("one chunk", matrix(300, 500, Values::kPalette, 2, 300));
  add("transposed", matrix(300, 400, Values::kPalette, 5, 50, {300, true}));
  add("tall", matrix(60000, 2, Values::kPalette, 50, 6000));
  add("wide", matrix(2, 60000, Values::kPalette, 50, 1));
  add("few entries", matrix(1, 12000, Values::kPalette, 100, 1));
  add("tiny", matrix(20, 20, Values::kPalette, 1, 20));
  Sample many_codes = random_sample(DType::kF32, {40, 50}, sparse(Values::kPalette), 7, 1, 60);
  add("many codes", many_codes);
  add("nearly dense", matrix(300, 300, Values::kSplit, 1, 30));
  return files;
}

// Opens the file with every limit of memory from far too little on, uses it, and expects that it
// works within the limit or fails with LimitMemory. Returns how often it worked.
using Use = std::function<Status(const model::Model& model)>;
int expect_within_any_limit(const Blob& file, unsigned threads, const Use& use) {
  int worked = 0;
  for (uint64_t memory = 50000; memory < 100000000 && worked < 2; memory += memory / 2) {
    Limits limits;
    limits.max_memory = memory;
    const MemoryMeter meter;
    const auto model = open_bytes(file, threads, limits);
    const Status status = model.ok() ? use(*model.value()) : model.status();
    const size_t peak = meter.peak();
    EXPECT_LE(peak, memory + kFixed * threads) << "with a limit of " << memory;
    if (!status.ok()) {
      EXPECT_EQ(status.code, Code::LimitMemory) << status.message;
    }
    if (peak > memory + kFixed * threads) return 1;  // once is enough
    worked += status.ok();
  }
  return worked;
}

TEST(KernelMemory, LayersAreWithinTheLimitOfTheirFile) {
  for (const auto& [name, file] : matrices()) {
    for (const char* kernel : linear_kernels()) {
      for (const uint64_t batch : {uint64_t{1}, uint64_t{64}}) {
        SCOPED_TRACE(name + ", kernel '" + kernel + "', batch " + std::to_string(batch));
        LayerOptions options;
        options.kernel = kernel;
        options.batch = batch;
        options.parallel.threads = 2;
        std::vector<float> x;
        std::vector<float> y;
        bool possible = true;
        const auto use = [&](const model::Model& model) -> Status {
          const format::Tensor& t = model.manifest()->tensors[0];
          const auto layer = Layer::linear(model, 0, options);
          if (layer.status().code == Code::InvalidArgument) {
            possible = false;  // not a kernel for this matrix or on this machine
            return ok_status();
          }
          DCF_TRY(layer.status());
          if (x.empty()) return ok_status();
          return layer.value()->apply(x.data(), batch, y.data());
        };
        EXPECT_GT(expect_within_any_limit(file, 2, use), 0);
        if (!possible) continue;
        const auto opened = open_bytes(file);
        const format::Tensor& t = opened.value()->manifest()->tensors[0];
        x.assign(t.cols() * batch, 1);
        y.assign(t.rows() * batch, 0);
        EXPECT_GT(expect_within_any_limit(file, 2, use), 0);
      }
    }
  }
}

// Of a layer that was prepared with no limit worth the name.
void expect_stated_bytes(const Layer& layer, size_t held, uint64_t batch, unsigned threads) {
  EXPECT_LE(held, layer.kernel().packed_bytes() + kFixed);
  const std::vector<float> x(layer.inputs() * batch, 1);
  std::vector<float> y(layer.outputs() * batch);
  const MemoryMeter meter;
  ASSERT_TRUE(layer.apply(x.data(), batch, y.data()).ok());
  EXPECT_LE(meter.peak(), layer.working_bytes(batch) + kFixed * threads);
}

TEST(KernelMemory, LayersHoldAndTakeWhatTheyState) {
  for (const auto& [name, file] : matrices()) {
    const auto model = open_bytes(file);
    ASSERT_TRUE(model.ok());
    for (const char* kernel : linear_kernels()) {
      for (const uint64_t batch : {1, 5, 64, 200}) {
        for (const unsigned threads : {1u, 3u}) {
          SCOPED_TRACE(name + ", kernel '" + kernel + "', batch " + std::to_string(batch));
          LayerOptions options;
          options.kernel = kernel;
          options.batch = batch;
          options.parallel.threads = threads;
          // The file keeps scratch for its next calls: it is there before the layer is measured.
          if (Layer::linear(*model.value(), 0, options).status().code == Code::InvalidArgument) {
            continue;
          }
          const MemoryMeter meter;
          const auto layer = Layer::linear(*model.value(), 0, options);
          ASSERT_TRUE(layer.ok()) << layer.status().message;
          expect_stated_bytes(*layer.value(), meter.held(), batch, threads);
        }
      }
    }
  }
}

Conv2d image(uint64_t channels, uint64_t size) {
  Conv2d conv;
  conv.in_channels = channels;
  conv.y = {.size = size, .stride = 1, .pad = 1};
  conv.x = {.size = size, .stride = 1, .pad = 1};
  return conv;
}

Blob filters(Values values, unsigned every) {
  Sample s = random_sample(DType::kF32, {64, 32, 3, 3}, sparse(values), 3, every);
  s.rows_per_chunk = 8;
  return make_file({s});
}

TEST(KernelMemory, PackedConvolutions) {
  for (const unsigned every : {1u, 8u}) {
    const Blob file = filters(Values::kPalette, every);
    for (const char* kernel : {"", "conv-blocked", "conv-dense"}) {
      SCOPED_TRACE(std::string(kernel) + ", one in " + std::to_string(every));
      LayerOptions options;
      options.kernel = kernel;
      options.parallel.threads = 2;
      Conv2d conv = image(32, 28);
      const std::vector<float> x(uint64_t{32} * 28 * 28 * 3, 1);
      std::vector<float> y(uint64_t{64} * 28 * 28 * 3);
      const auto use = [&](const model::Model& model) -> Status {
        DCF_TRY(conv.complete(model.manifest()->tensors[0]));
        const auto layer = Layer::convolution(model, 0, conv, options);
        DCF_TRY(layer.status());
        return layer.value()->apply(x.data(), 3, y.data());
      };
      EXPECT_GT(expect_within_any_limit(file, 2, use), 0);

      const auto model = open_bytes(file);
      const MemoryMeter meter;
      const auto layer = Layer::convolution(*model.value(), 0, conv, options);
      ASSERT_TRUE(layer.ok());
      expect_stated_bytes(*layer.value(), meter.held(), 3, 2);
    }
  }
}

TEST(KernelMemory, ConvolutionsFromTheCompressedForm) {
  const Blob file = filters(Values::kPalette, 4);
  for (const uint64_t batch : {1, 40}) {
    for (const unsigned threads : {1u, 3u}) {
      SCOPED_TRACE("batch " + std::to_string(batch));
      Conv2d conv = image(32, 14);
      const std::vector<float> x(uint64_t{32} * 14 * 14 * batch, 1);
      std::vector<float> y(uint64_t{64} * 14 * 14 * batch);
      EXPECT_GT(expect_within_any_limit(file, threads,
                                        [&](const model::Model& model) -> Status {
                                          DCF_TRY(conv.complete(model.manifest()->tensors[0]));
                                          return convolve(model, 0, conv, x, batch, y);
                                        }),
                0);
    }
  }
}

TEST(KernelMemory, ProductsFromTheCompressedForm) {
  for (const auto& [name, file] : matrices()) {
    const auto opened = open_bytes(file);
    const format::Tensor& t = opened.value()->manifest()->tensors[0];
    for (const uint64_t batch : {1, 64}) {
      for (const unsigned threads : {1u, 3u}) {
        SCOPED_TRACE(name + ", batch " + std::to_string(batch));
        const std::vector<float> x(t.cols() * batch, 1);
        std::vector<float> y(t.rows() * batch);
        EXPECT_GT(expect_within_any_limit(
                      file, threads,
                      [&](const model::Model& model) { return matmul(model, 0, x, batch, y); }),
                  0);
      }
    }
  }
}

}  // namespace
}  // namespace dcf::impl::kernels
