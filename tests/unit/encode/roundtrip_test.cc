// SPDX-License-Identifier: Apache-2.0
// Lossless: whatever goes in comes out, for all dtypes, encodings, views and chunkings.
#include <algorithm>
#include <set>

#include "writing.h"

namespace dcf::impl::encode {
namespace {

void expect_exact(const Sample& sample, const EncodeOptions& options, const std::string& what) {
  const ReferenceFile file = decoded(file_of({sample}, options));
  ASSERT_EQ(file.dense.size(), 1u) << what;
  EXPECT_TRUE(file.dense[0] == sample.data) << what;
  EXPECT_EQ(file.manifest.tensors[0].fidelity, format::Fidelity::kBitExact);
}

constexpr DType kCoded[] = {
    DType::kF64, DType::kF32, DType::kF16,  DType::kBF16,       DType::kF8E4M3,    DType::kF8E5M2,
    DType::kI64, DType::kI32, DType::kI16,  DType::kI8,         DType::kU64,       DType::kU32,
    DType::kU16, DType::kU8,  DType::kBool, DType::kF8E4M3FNUZ, DType::kF8E5M2FNUZ};

TEST(RoundTrip, EveryDTypeDensityAndPosition) {
  std::mt19937_64 rng(1);
  for (const DType dtype : kCoded) {
    for (const double density : {0.0, 0.003, 0.2, 0.9, 1.0}) {
      for (const unsigned levels : {0u, 1u, 7u, 256u}) {
        const Sample sample = random_sample(rng, dtype, {23, 61}, density, levels, levels % 2 == 1);
        for (const auto& positions : kAllChoices) {
          expect_exact(sample, with_positions(positions),
                       std::string(dtype_name(dtype)) + " density " + std::to_string(density));
        }
      }
    }
  }
}

TEST(RoundTrip, ShapesOfAllRanks) {
  std::mt19937_64 rng(2);
  const std::vector<std::vector<uint64_t>> shapes = {{},
                                                     {1},
                                                     {7},
                                                     {1, 1},
                                                     {5, 1},
                                                     {1, 5},
                                                     {300, 3, 3},
                                                     {2, 3, 4, 5},
                                                     {64, 1, 3, 3},
                                                     {70000, 1},
                                                     {1, 1, 1, 1, 1, 1, 1, 1, 1, 9},
                                                     {65537},
                                                     {3, 0, 5},
                                                     {0},
                                                     {100003, 2}};
  for (const auto& dims : shapes) {
    for (const DType dtype : {DType::kF32, DType::kI16}) {
      const Sample sample = random_sample(rng, dtype, dims, 0.1, 0, true);
      for (const auto& positions : kAllChoices) {
        expect_exact(sample, with_positions(positions), std::to_string(dims.size()));
      }
    }
  }
}

TEST(RoundTrip, EveryGapWidth) {
  std::mt19937_64 rng(3);
  for (const double density : {0.0005, 0.02, 0.3}) {
    const Sample sample = random_sample(rng, DType::kF16, {300, 401}, density, 30);
    uint64_t smallest = UINT64_MAX;
    for (unsigned bits = 2; bits <= 8; ++bits) {
      EncodeOptions options = with_positions(format::Positions::kGap);
      options.gap_bits = bits;
      expect_exact(sample, options, "gap width " + std::to_string(bits));
      const std::vector<uint8_t> file = file_of({sample}, options);
      EXPECT_EQ(decoded(file).manifest.tensors[0].encoding.gap_bits, bits);
      smallest = std::min<uint64_t>(smallest, file.size());
    }
    EXPECT_LE(file_of({sample}, with_positions(format::Positions::kGap)).size(), smallest);
  }
}

TEST(RoundTrip, ManyChunks) {
  std::mt19937_64 rng(4);
  for (const double density : {0.01, 0.5, 1.0}) {
    const Sample sample = random_sample(rng, DType::kF32, {1500, 1100}, density, 0, true);
    for (const auto& positions : kAllChoices) {
      expect_exact(sample, with_positions(positions), std::to_string(density));
    }
  }
}

// All entries in one part of the tensor: chunks cut for the average would hold too many.
TEST(RoundTrip, SkewedRows) {
  Sample sample;
  sample.dtype = DType::kU8;
  sample.dims = {24, uint64_t{1} << 20};
  sample.data.resize(element_count(sample.dims));
  std::mt19937_64 rng(5);
  for (size_t i = 0; i < size_t{3} << 20; ++i) sample.data[i] = static_cast<uint8_t>(1 + rng() % 9);
  for (const auto& positions : kAllChoices) {
    expect_exact(sample, with_positions(positions), "skewed");
    if (positions != format::Positions::kGap) continue;
    EncodeOptions options = with_positions(positions);
    options.gap_bits = 2;
    expect_exact(sample, options, "skewed, narrow gaps");
  }
}

TEST(RoundTrip, SpecialValuesOfFloats) {
  for (const DType dtype : {DType::kF64, DType::kF32, DType::kF16, DType::kBF16, DType::kF8E4M3}) {
    Sample sample;
    sample.dtype = dtype;
    sample.dims = {40, 50};
    const size_t width = dtype_bits(dtype) / 8;
    const uint64_t top = uint64_t{1} << (8 * width - 1);
    const uint64_t specials[] = {
        0,           top,     1,           top | 1,         top - 1,
        2 * top - 1, top / 2, top / 2 + 1, top | (top / 2), (top - 1) & ~uint64_t{1}};
    for (uint64_t i = 0; i < 2000; ++i) {
      sample.data.resize(sample.data.size() + width);
      store_word(sample.data.data() + i * width, width, specials[i * i % std::size(specials)]);
    }
    for (const auto& positions : kAllChoices) {
      expect_exact(sample, with_positions(positions), dtype_name(dtype));
    }
    // With NaN in it the tensor is not clustered either.
    EncodeOptions lossy;
    lossy.bits = 2;
    lossy.sparsity = 0.5;
    expect_exact(sample, lossy, dtype_name(dtype));
  }
}

TEST(RoundTrip, RawOnlyDTypes) {
  std::mt19937_64 rng(6);
  struct Case {
    DType dtype;
    uint32_t bits;
  };
  for (const Case c : {Case{DType::kC64, 64},
                       {DType::kF8E8M0, 8},
                       {DType::kF6E2M3, 6},
                       {DType::kF6E3M2, 6},
                       {DType::kF4, 4},
                       {DType::kOpaque, 1},
                       {DType::kOpaque, 12},
                       {DType::kOpaque, 65535}}) {
    const uint64_t rows = c.bits > 100 ? 3 : 1211;
    for (const std::vector<uint64_t>& dims :
         {std::vector<uint64_t>{}, {7}, {rows, 1000}, {rows * 999}, {4, 0}}) {
      Sample sample;
      sample.dtype = c.dtype;
      sample.opaque_bits = c.bits;
      sample.dims = dims;
      const uint64_t bits = element_count(dims) * c.bits;
      sample.data.resize((bits + 7) / 8);
      for (uint8_t& byte : sample.data) byte = static_cast<uint8_t>(rng() & rng());
      if (bits % 8 != 0) sample.data.back() &= static_cast<uint8_t>((1u << (bits % 8)) - 1);
      for (const auto& positions : kAllChoices) {
        expect_exact(sample, with_positions(positions), std::to_string(c.bits));
      }
    }
  }
}

TEST(RoundTrip, ColumnsThatAreAlikeAreTransposed) {
  std::mt19937_64 rng(7);
  Sample sample = random_sample(rng, DType::kF32, {400, 200}, 1.0);
  for (uint64_t i = 0; i < 400 * 200; ++i) {
    if (i % 200 % 7 != 0) store_word(sample.data.data() + 4 * i, 4, 0);
  }
  const std::vector<uint8_t> file = file_of({sample});
  EXPECT_TRUE(decoded(file).manifest.tensors[0].view.transposed);
  EXPECT_TRUE(decoded(file).dense[0] == sample.data);
}

TEST(RoundTrip, CanonicalZeros) {
  std::mt19937_64 rng(8);
  const Sample sample = random_sample(rng, DType::kF32, {100, 100}, 0.1, 0, true);
  std::vector<uint8_t> expected = sample.data;
  for (size_t i = 0; i < expected.size(); i += 4) {
    if (load_word(&expected[i], 4) == 0x80000000u) store_word(&expected[i], 4, 0);
  }
  for (const auto& positions : kAllChoices) {
    EncodeOptions options = with_positions(positions);
    options.canonical_zeros = true;
    const ReferenceFile file = decoded(file_of({sample}, options));
    EXPECT_TRUE(file.dense[0] == expected);
    EXPECT_EQ(file.manifest.tensors[0].fidelity, format::Fidelity::kValueExact);
  }
  // Where there was no sign to drop the tensor is still exact to the bit.
  EncodeOptions options;
  options.canonical_zeros = true;
  expect_exact(random_sample(rng, DType::kF32, {100, 100}, 0.1), options, "no signs");
}

TEST(RoundTrip, ManyTensors) {
  std::mt19937_64 rng(9);
  std::vector<Sample> samples;
  for (int i = 0; i < 2000; ++i) {
    samples.push_back(random_sample(rng, DType::kF32, {1 + rng() % 5, 1 + rng() % 9}, 0.8));
    samples.back().name = "\u00e9t\u00e9/" + std::to_string(i * 7919 % 2000);
  }
  const ReferenceFile file = decoded(file_of(samples));
  std::sort(samples.begin(), samples.end(),
            [](const Sample& a, const Sample& b) { return a.name < b.name; });
  ASSERT_EQ(file.dense.size(), samples.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(file.manifest.tensors[i].name, samples[i].name);
    EXPECT_EQ(file.dense[i], samples[i].data);
  }
}

TEST(RoundTrip, EmptyFileAndMetadata) {
  FileWriter empty({});
  EXPECT_TRUE(decoded(finish_file(empty)).manifest.tensors.empty());
  FileWriter writer({});
  EXPECT_TRUE(writer.add_metadata("z", std::string_view("a\0b", 3)).ok());
  EXPECT_TRUE(writer.add_metadata("", "").ok());
  EXPECT_TRUE(writer.add_metadata("format", "\u00fc").ok());
  const ReferenceFile file = decoded(finish_file(writer));
  ASSERT_EQ(file.manifest.metadata.size(), 3u);
  EXPECT_EQ(file.manifest.metadata[1].first, "format");
  EXPECT_EQ(file.manifest.metadata[2].second, std::string("a\0b", 3));
}

}  // namespace
}  // namespace dcf::impl::encode
