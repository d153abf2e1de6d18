// SPDX-License-Identifier: Apache-2.0
// Packed layers against sums in double, within the bound that LayerKernel states: every encoding,
// kernel and instruction set, densities from none to all, shapes that fill no vector.
#include "kernels/layer.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "base/float_convert.h"
#include "kernels/batch.h"
#include "kernels/code_groups.h"
#include "kernels/columns.h"
#include "kernels/entries.h"
#include "kernels/packed_conv.h"
#include "kernels/row_windows_loops.h"
#include "kernels/rows.h"
#include "random_entries.h"
#include "support/sample.h"

namespace dcf::impl::kernels {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

const Epilogue kPlain;

std::vector<float> random_floats(uint64_t n, std::mt19937_64& random) {
  std::normal_distribution<float> normal;
  std::vector<float> x(n);
  for (float& v : x) v = random() % 3 == 0 ? 0 : normal(random);
  return x;
}

void expect_within(double sum, double magnitude, uint64_t k, float got) {
  const double u = static_cast<double>(k + 1) * std::ldexp(1.0, -24);
  EXPECT_LE(std::abs(got - sum), u / (1 - u) * magnitude + 1e-37) << sum;
}

void expect_product(const LayerEntries& e, const std::vector<float>& x, uint64_t batch,
                    const std::vector<float>& y) {
  for (uint64_t b = 0; b < batch; ++b) {
    for (uint64_t row = 0; row < e.rows; ++row) {
      double sum = 0;
      double magnitude = 0;
      uint64_t k = 0;
      for (uint64_t i = e.row_start[row]; i < e.row_end(row); ++i, ++k) {
        const double product = double{e.weight(i)} * x[b * e.cols + e.column(i)];
        sum += product;
        magnitude += std::abs(product);
      }
      expect_within(sum, magnitude, k, y[b * e.rows + row]);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

TEST(Layer, RandomMatricesThroughEveryKernel) {
  std::mt19937_64 random(3);
  const auto pick = [&](uint64_t low, uint64_t high) { return low + random() % (high - low + 1); };
  const uint32_t codes[] = {0, 2, 31, 32, 33, 256};
  const double densities[] = {0, 0.003, 0.05, 0.3, 0.7, 1};
  const uint64_t batches[] = {1, 2, 7, 8, 16, 17, 63, 64, 65, 130};
  for (int round = 0; round < 120; ++round) {
    const uint64_t rows = round % 7 == 0 ? pick(500, 1100) : pick(1, 40);
    const uint64_t cols = round % 7 == 1 ? pick(8000, 9000) : pick(1, 300);
    const LayerEntries e =
        random_entries(rows, cols, densities[random() % 6], codes[random() % 6], random);
    const uint64_t batch = rows * cols > 100000 ? pick(1, 3) : batches[random() % 10];
    const std::vector<float> x = random_floats(batch * cols, random);
    for (const auto& kernel : all_kernels(e)) {
      std::vector<float> y(batch * rows, 99);
      kernel->apply(x.data(), batch, y.data(), kOneThread, kPlain);
      expect_product(e, x, batch, y);
      ASSERT_FALSE(HasFailure()) << round << ": " << kernel->name() << ' ' << rows << " x " << cols
                                 << ", batch " << batch;
    }
  }
}

TEST(Layer, CodeGroupsInBlocksOfColumns) {
  std::mt19937_64 random(4);
  for (const uint64_t cols : {12288, 12289, 24577, 70000}) {
    for (const uint32_t codes : {1u, 16u, 64u}) {
      LayerEntries e = random_entries(3, cols, 0.1, codes, random);
      e.row_start.push_back(e.entries.size() - LayerEntries::kPadding);  // an empty row
      e.row_length.push_back(0);
      ++e.rows;
      const auto kernel = make_code_groups(AllEntries(e, kOneThread));
      ASSERT_NE(kernel, nullptr);
      const std::vector<float> x = random_floats(18 * cols, random);
      std::vector<float> y(18 * e.rows, 99);
      kernel->apply(x.data(), 18, y.data(), Parallel{2}, kPlain);
      expect_product(e, x, 18, y);
    }
  }
}

TEST(Layer, CodeGroupsThatWouldBeMostlyEmptyAreNotPacked) {
  std::mt19937_64 random(6);
  EXPECT_EQ(make_code_groups(AllEntries(random_entries(20, 100, 0.5, 65, random), kOneThread)),
            nullptr);
  EXPECT_EQ(make_code_groups(AllEntries(random_entries(20, 100, 0.5, 0, random), kOneThread)),
            nullptr);
  EXPECT_EQ(make_code_groups(AllEntries(random_entries(20, 100, 0, 16, random), kOneThread)),
            nullptr);
  EXPECT_EQ(make_code_groups(AllEntries(random_entries(20, 100, 0.1, 64, random), kOneThread)),
            nullptr);
  // A row of four entries in four of a thousand blocks.
  LayerEntries wide = random_entries(1, 4, 1, 1, random);
  wide.cols = LayerEntries::kMostCodedColumns;
  EXPECT_EQ(make_code_groups(AllEntries(wide, kOneThread)), nullptr);
}

// About `density` of them are not zero; the zeros have either sign.
std::vector<float> sparse_floats(uint64_t n, double density, std::mt19937_64& random) {
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<double> uniform;
  std::vector<float> x(n);
  for (float& v : x) v = uniform(random) < density ? normal(random) : random() % 2 == 0 ? 0 : -0.0f;
  return x;
}

// Several blocks of rows and ranges of columns, tails of all lengths, inputs from no to all zeros.
TEST(Layer, ColumnsInParts) {
  std::mt19937_64 random(12);
  const std::pair<uint64_t, uint64_t> shapes[] = {{8, 1},     {8192, 3},   {8193, 5},
                                                  {20000, 7}, {700, 1500}, {9000, 260}};
  for (const auto& [rows, cols] : shapes) {
    const bool large = rows * cols > 1000000;
    const uint64_t batch = large ? 2 : 9;
    for (const uint32_t codes : {0u, 1u, 2u, 31u, 64u, 65u, 256u}) {
      if (large && codes % 64 != 0) continue;
      const LayerEntries e = random_entries(rows, cols, 0.8, codes, random);
      const auto kernel = make_columns(e, Parallel{2});
      ASSERT_NE(kernel, nullptr);
      if (rows > 8) {
        EXPECT_STREQ(kernel->name(), codes == 0 || codes > 64 ? "columns-f32" : "columns");
      }
      for (const double density : {0.0, 0.1, 0.5, 1.0}) {
        const std::vector<float> x = sparse_floats(batch * cols, density, random);
        std::vector<float> one(batch * rows, 99);
        std::vector<float> three(batch * rows, 99);
        kernel->apply(x.data(), batch, one.data(), kOneThread, kPlain);
        kernel->apply(x.data(), batch, three.data(), Parallel{3}, kPlain);
        EXPECT_EQ(one, three);
        expect_product(e, x, batch, one);
        ASSERT_FALSE(HasFailure()) << rows << " x " << cols << ", " << codes << " codes";
      }
    }
  }
}

TEST(Layer, ColumnsWithoutWeights) {
  std::mt19937_64 random(13);
  for (const uint32_t codes : {0u, 32u}) {
    // The first range of columns is empty, and many others are.
    LayerEntries e = random_entries(3000, 400, 1, codes, random);
    e.cols = 3000;
    for (size_t i = 0; i < e.entries.size(); ++i) {
      if (e.entries[i] != LayerEntries::kRowEnd) e.entries[i] += 2000 + e.column(i);
    }
    const auto kernel = make_columns(e, kOneThread);
    ASSERT_NE(kernel, nullptr);
    EXPECT_STREQ(kernel->name(), codes == 0 ? "columns-f32" : "columns");
    const std::vector<float> x = sparse_floats(3000, 0.3, random);
    std::vector<float> y(e.rows, 99);
    kernel->apply(x.data(), 1, y.data(), kOneThread, kPlain);
    expect_product(e, x, 1, y);
  }
}

TEST(Layer, ColumnsThatSkippingWouldBeWrongOrUselessForAreNotPacked) {
  std::mt19937_64 random(14);
  EXPECT_EQ(make_columns(random_entries(20, 100, 0, 16, random), kOneThread), nullptr);
  LayerEntries wide = random_entries(1, 400, 1, 16, random);
  wide.cols = LayerEntries::kMostCodedColumns;
  EXPECT_EQ(make_columns(wide, kOneThread), nullptr);
  // 0 * Inf is NaN: zeros must meet such a weight.
  for (const uint32_t codes : {0u, 16u, 256u}) {
    LayerEntries e = random_entries(200, 300, 0.9, codes, random);
    ASSERT_NE(make_columns(e, kOneThread), nullptr);
    (codes == 0 ? e.values[e.row_start[150]] : e.codebook[15]) =
        std::numeric_limits<float>::infinity();
    EXPECT_EQ(make_columns(e, kOneThread), nullptr);
  }
}

TEST(Layer, AbsentWeightsKeepOutWhatIsNotFinite) {
  std::mt19937_64 random(5);
  const float bad[] = {std::numeric_limits<float>::infinity(),
                       std::numeric_limits<float>::quiet_NaN(),
                       -std::numeric_limits<float>::infinity()};
  for (const uint32_t codes : {0u, 16u}) {
    const LayerEntries e = random_entries(70, 90, 0.4, codes, random);
    for (const uint64_t batch : {uint64_t{1}, uint64_t{20}}) {
      std::vector<float> x = random_floats(batch * e.cols, random);
      for (uint64_t b = 0; b < batch; ++b) {
        for (int i = 0; i < 3; ++i) x[b * e.cols + random() % e.cols] = bad[i];
        x[b * e.cols + random() % e.cols] = 1e-40f;
      }
      for (const auto& kernel : all_kernels(e)) {
        std::vector<float> y(batch * e.rows, 99);
        kernel->apply(x.data(), batch, y.data(), kOneThread, kPlain);
        for (uint64_t b = 0; b < batch; ++b) {
          for (uint64_t row = 0; row < e.rows; ++row) {
            double sum = 0;
            for (uint64_t i = e.row_start[row]; i < e.row_end(row); ++i) {
              sum += double{e.weight(i)} * x[b * e.cols + e.column(i)];
            }
            EXPECT_EQ(std::isfinite(sum), std::isfinite(y[b * e.rows + row])) << kernel->name();
            EXPECT_EQ(std::isnan(sum), std::isnan(y[b * e.rows + row])) << kernel->name();
          }
        }
      }
    }
  }
}

TEST(Layer, ThreadsChangeNothing) {
  struct Shape {
    uint64_t rows, cols;
    double density;
    uint64_t batch;
  };
  std::mt19937_64 random(9);
  // Threads make the tile of the second together.
  for (const Shape& shape : {Shape{1300, 200, 0.1, 70}, {520, 8200, 0.02, 64}}) {
    const LayerEntries e = random_entries(shape.rows, shape.cols, shape.density, 32, random);
    const std::vector<float> x = random_floats(shape.batch * e.cols, random);
    for (const auto& kernel : all_kernels(e)) {
      std::vector<float> one(shape.batch * e.rows);
      std::vector<float> three(shape.batch * e.rows);
      kernel->apply(x.data(), shape.batch, one.data(), kOneThread, kPlain);
      kernel->apply(x.data(), shape.batch, three.data(), Parallel{3}, kPlain);
      EXPECT_EQ(one, three) << kernel->name();
    }
  }
}

TEST(Layer, WhatIsNotFiniteAndDenormalsAreNotSkipped) {
  std::mt19937_64 random(15);
  for (const uint32_t codes : {0u, 16u}) {
    const LayerEntries e = random_entries(90, 70, 1, codes, random);
    for (const auto& kernel : all_kernels(e)) {
      for (const float only : {std::numeric_limits<float>::quiet_NaN(),
                               std::numeric_limits<float>::infinity(), 1e-41f, -0.0f}) {
        std::vector<float> x(e.cols);
        x[e.cols - 1] = only;
        std::vector<float> y(e.rows, 99);
        kernel->apply(x.data(), 1, y.data(), kOneThread, kPlain);
        for (uint64_t row = 0; row < e.rows; ++row) {
          const double want = double{e.weight(e.row_end(row) - 1)} * only;
          if (std::isfinite(want)) {
            EXPECT_NEAR(y[row], want, 2e-45) << kernel->name();
          } else {
            EXPECT_FALSE(std::isfinite(y[row])) << kernel->name();
            EXPECT_EQ(std::isnan(y[row]), std::isnan(want)) << kernel->name();
          }
        }
      }
    }
  }
}

TEST(Layer, RowsThatWouldLeaveLanesIdleAreNotPackedAsWindows) {
  std::mt19937_64 random(1);
  LayerEntries e = random_entries(1, 4000, 1, 4, random);
  for (int i = 0; i < 15; ++i) {
    e.row_start.push_back(e.entries.size());
    e.row_length.push_back(0);
    e.entries.push_back(LayerEntries::kRowEnd);
    ++e.rows;
  }
  EXPECT_EQ(make_row_windows(AllEntries(e, kOneThread)), nullptr);
}

TEST(Layer, EveryDtypeEncodingAndView) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kF64, DType::kBF16, DType::kF8E5M2,
                            DType::kF8E4M3FNUZ, DType::kI8, DType::kU16}) {
    for (const format::Encoding& encoding : encodings_of(dtype)) {
      for (int view = 0; view < 3; ++view) {
        if (view == 2 && encoding.is_raw()) continue;
        Sample s = random_sample(dtype, {12, 30}, encoding, static_cast<uint64_t>(view));
        s.view = view == 0   ? format::View{}
                 : view == 1 ? format::View{7, false}
                             : format::View{12, true};
        s.rows_per_chunk = 4;
        const Blob file = make_file({s});
        const auto model = open_bytes(file, 1);
        ASSERT_TRUE(model.ok());
        std::mt19937_64 random(2);
        const std::vector<float> x = random_floats(2 * 30, random);
        for (const char* kernel : {"", "rows", "blocked", "dense"}) {
          auto layer = Layer::linear(*model.value(), 0, {2, kernel, kOneThread});
          ASSERT_TRUE(layer.ok()) << layer.status().message;
          std::vector<float> y(2 * 12);
          ASSERT_TRUE(layer.value()->apply(x.data(), 2, y.data()).ok());
          for (uint64_t b = 0; b < 2; ++b) {
            for (uint64_t r = 0; r < 12; ++r) {
              double sum = 0;
              double magnitude = 0;
              for (uint64_t c = 0; c < 30; ++c) {
                const double product =
                    double{word_to_float(dtype, s.words[r * 30 + c])} * x[b * 30 + c];
                sum += product;
                magnitude += std::abs(product);
              }
              expect_within(sum, magnitude, 30, y[b * 12 + r]);
            }
          }
          ASSERT_FALSE(HasFailure())
              << encoding_name(encoding) << " view " << view << ' ' << kernel;
        }
      }
    }
  }
}

TEST(Layer, ABadChunkFailsEveryKernel) {
  std::mt19937_64 random(12);
  Sample s;
  s.dims = {1500, 1000};
  s.encoding = {
      .positions = format::Positions::kGap, .values = format::Values::kPalette, .gap_bits = 4};
  for (uint64_t i = 0; i < 1500 * 1000; ++i) {
    s.words.push_back(std::bit_cast<uint32_t>(static_cast<float>(random() % 4)));
  }
  s.rows_per_chunk = 7;
  Blob file = make_file({s});
  file[open_bytes(file, 1).value()->layout().chunk_offsets[100]] ^= 1;
  for (const unsigned threads : {1u, 2u}) {
    const auto model = open_bytes(file, threads);
    ASSERT_TRUE(model.ok()) << model.status().message;
    for (const char* kernel : {"", "rows", "code-groups", "blocked", "dense"}) {
      const Status status = Layer::linear(*model.value(), 0, {1, kernel, kOneThread}).status();
      EXPECT_EQ(status.code, Code::ChecksumMismatch) << kernel;
    }
  }
}

TEST(Layer, RandomConvolutions) {
  std::mt19937_64 random(7);
  const auto pick = [&](uint64_t low, uint64_t high) { return low + random() % (high - low + 1); };
  int compared = 0;
  for (int round = 0; round < 150; ++round) {
    Conv2d conv;
    conv.groups = pick(1, 3);
    conv.in_channels = conv.groups * pick(1, 3);
    const uint64_t out = conv.groups * (round % 20 == 0 ? pick(500, 600) : pick(1, 5));
    conv.y = {.size = pick(1, 14), .stride = pick(1, 3), .pad = pick(0, 4), .dilation = pick(1, 3)};
    conv.x = {.size = pick(1, 40), .stride = pick(1, 3), .pad = pick(0, 4), .dilation = pick(1, 3)};
    const std::vector<format::Encoding> encodings = encodings_of(DType::kF32);
    const Sample s =
        random_sample(DType::kF32, {out, conv.in_channels / conv.groups, pick(1, 4), pick(1, 4)},
                      encodings[static_cast<size_t>(round) % encodings.size()], random(), 2);
    const Blob file = make_file({s});
    const auto model = open_bytes(file, 1);
    ASSERT_TRUE(model.ok());
    if (!conv.complete(model.value()->manifest()->tensors[0]).ok()) continue;
    ++compared;
    const uint64_t batch = pick(1, 3);
    std::vector<float> x = random_floats(batch * conv.in_size, random);
    if (round % 5 == 0) x[random() % x.size()] = std::numeric_limits<float>::infinity();
    std::vector<float> want(batch * conv.out_size);
    ASSERT_TRUE(convolve(*model.value(), 0, conv, x, batch, want).ok());
    const auto entries = load_entries(*model.value(), 0);
    ASSERT_TRUE(entries.ok());
    for (const TileLoops* loops : available_tile_loops()) {
      for (const bool dense : {false, true}) {
        const auto kernel = make_packed_conv(entries.value(), conv, dense, kOneThread, *loops);
        for (const unsigned threads : {1u, 3u}) {
          std::vector<float> y(want.size(), 99);
          kernel->apply(x.data(), batch, y.data(), Parallel{threads}, kPlain);
          for (size_t i = 0; i < y.size(); ++i) {
            if (std::isfinite(want[i])) {
              EXPECT_NEAR(y[i], want[i], 1e-4) << i;
            } else {
              EXPECT_EQ(std::isnan(y[i]), std::isnan(want[i]));
              EXPECT_FALSE(std::isfinite(y[i]));
            }
          }
          ASSERT_FALSE(HasFailure())
              << round << ": " << kernel->name() << ' ' << cpu_set_name(loops->set);
        }
      }
    }
  }
  EXPECT_GT(compared, 80);
}

// 25 vectors of positions, which can be cut into tiles in more than one way.
TEST(Layer, ThreadsThatShareAnImageChangeNoBit) {
  std::mt19937_64 random(12);
  const LayerEntries entries = random_entries(5, 27, 1, 0, random);
  for (const TileLoops* loops : available_tile_loops()) {
    Conv2d conv;
    conv.in_channels = 3;
    conv.out_channels = 5;
    conv.y = {.size = 1, .kernel = 3, .pad = 1};
    conv.x = {.size = 25 * loops->lanes, .kernel = 3, .pad = 1};
    ASSERT_TRUE(conv.y.complete().ok() && conv.x.complete().ok());
    conv.in_size = 3 * conv.x.size;
    conv.out_size = 5 * conv.x.out;
    const auto kernel = make_packed_conv(entries, conv, false, kOneThread, *loops);
    const std::vector<float> x = random_floats(conv.in_size, random);
    std::vector<float> alone(conv.out_size);
    std::vector<float> shared(conv.out_size);
    kernel->apply(x.data(), 1, alone.data(), kOneThread, kPlain);
    kernel->apply(x.data(), 1, shared.data(), Parallel{7}, kPlain);
    EXPECT_EQ(alone, shared) << cpu_set_name(loops->set);
  }
}

TEST(TileLoops, AsFewTilesAsCanBeAndNoneWiderThanTheFirst) {
  for (const TileLoops* loops : available_tile_loops()) {
    const uint64_t most = loops->lanes * loops->most_vectors;
    for (uint64_t columns = 1; columns < 6 * most; ++columns) {
      const uint64_t widest = loops->width_for(columns);
      uint64_t tiles = 0;
      for (uint64_t at = 0; at < columns; ++tiles) {
        const uint64_t width = loops->width_for(columns - at);
        ASSERT_EQ(width % loops->lanes, 0u);
        ASSERT_GE(width, loops->lanes);
        ASSERT_LE(width, std::min(widest, most)) << columns << " at " << at;
        at += width;
      }
      ASSERT_EQ(tiles, (columns + most - 1) / most) << columns;
    }
  }
}

// The kernel chosen for a matrix in which one weight in `every` is not zero, of `codes` values.
std::string chosen(uint64_t every, uint64_t codes, const format::Encoding& encoding,
                   double input_density = 1) {
  Sample s;
  s.dims = {64, 512};
  s.encoding = encoding;
  std::mt19937_64 random(8);
  for (uint64_t i = 0; i < 64 * 512; ++i) {
    const auto weight = static_cast<float>(random() % codes + 1);
    s.words.push_back(random() % every == 0 ? std::bit_cast<uint32_t>(weight) : 0);
  }
  const Blob file = make_file({s});
  return Layer::linear(*open_bytes(file, 1).value(), 0, {1, "", kOneThread, input_density})
      .value()
      ->kernel()
      .name();
}

TEST(Layer, TheKernelThatWasMeasuredToBeFastest) {
  const bool windows = row_windows_pay();
  const format::Encoding palette{
      .positions = format::Positions::kGap, .values = format::Values::kPalette, .gap_bits = 4};
  const format::Encoding raw;
  EXPECT_EQ(chosen(5, 16, palette), windows ? "row-windows" : "code-groups");
  EXPECT_EQ(chosen(5, 200, palette), windows ? "row-windows-f32" : "rows");
  EXPECT_EQ(chosen(2, 16, palette), windows ? "row-windows" : "code-groups");
  EXPECT_EQ(chosen(2, 16, raw), windows ? "row-windows-f32" : "dense");
  EXPECT_EQ(chosen(1, 16, palette), windows ? "row-windows" : "dense");
  EXPECT_EQ(chosen(1, 16, raw), "dense");

  const double few = windows ? 0.24 : 0.54;
  EXPECT_EQ(chosen(5, 4, palette, few), "columns");
  EXPECT_EQ(chosen(5, 200, palette, few), "columns-f32");
  EXPECT_EQ(chosen(5, 16, raw, few), "columns-f32");
  EXPECT_EQ(chosen(5, 4, palette, few + 0.02), windows ? "row-windows" : "code-groups");
  EXPECT_EQ(chosen(1, 16, raw, few), "dense");
}

TEST(Layer, AWrongHintIsRightAllTheSame) {
  const format::Encoding palette{
      .positions = format::Positions::kGap, .values = format::Values::kPalette, .gap_bits = 4};
  const Blob file = make_file({random_sample(DType::kF32, {64, 400}, palette, 1)});
  const auto model = open_bytes(file, 1);
  ASSERT_TRUE(model.ok());
  const auto entries = load_entries(*model.value(), 0);
  ASSERT_TRUE(entries.ok());
  std::mt19937_64 random(16);
  const std::vector<float> x = sparse_floats(20 * 400, 1, random);
  const auto layer = Layer::linear(*model.value(), 0, {1, "", kOneThread, 0.01});
  ASSERT_TRUE(layer.ok());
  EXPECT_TRUE(std::string_view(layer.value()->kernel().name()).starts_with("columns"));
  std::vector<float> y(20 * 64);
  ASSERT_TRUE(layer.value()->apply(x.data(), 20, y.data()).ok());
  expect_product(entries.value(), x, 20, y);
}

TEST(Layer, KernelsThatAreNotThere) {
  const Blob file =
      make_file({random_sample(DType::kF32, {30, 40}, encodings_of(DType::kF32).front(), 1)});
  const auto model = open_bytes(file, 1);
  ASSERT_TRUE(model.ok());
  for (const char* name : {"quantum", "row", "rows ", "conv-dense"}) {
    const Status status = Layer::linear(*model.value(), 0, {1, name, kOneThread}).status();
    EXPECT_EQ(status.code, Code::InvalidArgument) << name;
    EXPECT_NE(status.message, std::string()) << name;
  }
  const auto layer = Layer::linear(*model.value(), 0, {1, "", kOneThread});
  ASSERT_TRUE(layer.ok());
  EXPECT_TRUE(layer.value()->apply(nullptr, 0, nullptr).ok());
}

TEST(Layer, EntriesCountAgainstTheLimit) {
  const Blob file = make_file({random_sample(DType::kF32, {64, 400}, {}, 1)});
  Limits limits;
  limits.max_memory = 300000;
  const auto little = open_bytes(file, 1, limits);
  ASSERT_TRUE(little.ok());
  const Status status = Layer::linear(*little.value(), 0, {1, "", kOneThread}).status();
  EXPECT_EQ(status.code, Code::LimitMemory);
  EXPECT_STREQ(status.rule, "L-01");
  EXPECT_NE(status.offset, kNoOffset);

  limits.max_memory = 1000000;
  const auto enough = open_bytes(file, 1, limits);
  ASSERT_TRUE(enough.ok());
  const auto layer = Layer::linear(*enough.value(), 0, {1, "blocked", Parallel{64}});
  ASSERT_TRUE(layer.ok());
  std::vector<float> x(400 * 1000);
  std::vector<float> y(64 * 1000);
  EXPECT_TRUE(layer.value()->apply(x.data(), 1, y.data()).ok());
}

}  // namespace
}  // namespace dcf::impl::kernels
