// SPDX-License-Identifier: Apache-2.0
// Pruning and weight sharing as the writer applies them.
#include <algorithm>
#include <cmath>
#include <set>

#include "writing.h"

namespace dcf::impl::encode {

using format::Fidelity;

namespace {

std::vector<double> numbers(DType dtype, const std::vector<uint8_t>& words) {
  std::vector<double> values(words.size() / (dtype_bits(dtype) / 8));
  words_to_doubles(dtype, words, values);
  return values;
}

Sample gaussian(DType dtype, std::vector<uint64_t> dims, unsigned seed, double zeros = 0) {
  std::mt19937_64 rng(seed);
  std::normal_distribution<double> normal(0, 0.1);
  Sample sample;
  sample.dtype = dtype;
  sample.dims = std::move(dims);
  const size_t width = dtype_bits(dtype) / 8;
  sample.data.resize(element_count(sample.dims) * width);
  for (size_t i = 0; i < sample.data.size(); i += width) {
    const bool zero = static_cast<double>(rng() % 1000) < 1000 * zeros;
    const unsigned sign_at = 8 * static_cast<unsigned>(width) - 1;
    const uint64_t zero_word = zero && has_negative_zero(dtype) ? (rng() & 1) << sign_at : 0;
    const uint64_t word = zero ? zero_word : double_to_word(dtype, normal(rng));
    store_word(&sample.data[i], width, word);
  }
  return sample;
}

struct Outcome {
  ReferenceFile file;
  const format::Tensor& tensor() const { return file.manifest.tensors[0]; }
  std::vector<double> before;
  std::vector<double> after;
  double error = 0;         // greatest difference
  std::set<double> levels;  // distinct values that are not zero
  size_t zeros = 0;
};

Outcome run(const Sample& sample, const EncodeOptions& options) {
  Outcome out;
  out.file = decoded(file_of({sample}, options));
  out.before = numbers(sample.dtype, sample.data);
  out.after = numbers(sample.dtype, out.file.dense.at(0));
  for (size_t i = 0; i < out.before.size(); ++i) {
    out.error = std::max(out.error, std::abs(out.before[i] - out.after[i]));
    if (out.after[i] == 0) {
      ++out.zeros;
      EXPECT_FALSE(std::signbit(out.after[i]) && out.tensor().fidelity == Fidelity::kLossy);
    } else {
      out.levels.insert(out.after[i]);
    }
  }
  EXPECT_EQ(out.tensor().error_bound, out.error);
  return out;
}

TEST(Lossy, BoundIsTheGreatestDifference) {
  for (const DType dtype :
       {DType::kF64, DType::kF32, DType::kF16, DType::kBF16, DType::kF8E5M2, DType::kF8E4M3FNUZ}) {
    for (const double sparsity : {0.0, 0.6}) {
      for (const unsigned bits : {0u, 1u, 4u, 8u}) {
        for (const auto& positions : kAllChoices) {
          EncodeOptions options = with_positions(positions);
          options.sparsity = sparsity;
          options.bits = bits;
          const Outcome out = run(gaussian(dtype, {50, 70}, 1, 0.2), options);
          if (bits > 0) EXPECT_LE(out.levels.size(), size_t{1} << bits);
          if (sparsity > 0) EXPECT_GE(out.zeros, 2100u);
        }
      }
    }
  }
}

TEST(Lossy, PrunedAndClusteredIsThePaper) {
  EncodeOptions options = with_positions(format::Positions::kGap);
  options.sparsity = 0.9;
  options.bits = 5;
  const Outcome out = run(gaussian(DType::kF32, {200, 300}, 2), options);
  const format::Tensor& t = out.tensor();
  EXPECT_EQ(t.fidelity, Fidelity::kLossy);
  EXPECT_EQ(t.encoding.positions, format::Positions::kGap);
  EXPECT_EQ(t.encoding.values, format::Values::kPalette);
  EXPECT_LE(t.encoding.palette_size, 32);
  EXPECT_EQ(t.nonzeros, 6000u);
  // The kept are those of greatest magnitude, and each has the nearest centroid.
  std::vector<double> magnitudes;
  for (const double v : out.before) magnitudes.push_back(std::abs(v));
  std::nth_element(magnitudes.begin(), magnitudes.begin() + 54000, magnitudes.end());
  for (size_t i = 0; i < out.before.size(); ++i) {
    EXPECT_EQ(out.after[i] != 0, std::abs(out.before[i]) >= magnitudes[54000]);
  }
}

TEST(Lossy, NarrowGapsHaveFillers) {
  EncodeOptions options = with_positions(format::Positions::kGap);
  options.sparsity = 0.97;
  options.bits = 3;
  options.gap_bits = 3;
  EXPECT_GT(run(gaussian(DType::kF32, {40, 300}, 3), options).file.fillers, 100u);
  options.bits = 0;  // fillers among split values
  EXPECT_GT(run(gaussian(DType::kF32, {40, 300}, 3), options).file.fillers, 100u);
}

TEST(Lossy, WithoutPruningDensePositionsClusterAllWeights) {
  const Sample sample = gaussian(DType::kF32, {60, 60}, 4, 0.3);
  EncodeOptions options = with_positions(format::Positions::kDense);
  options.bits = 3;
  const Outcome dense = run(sample, options);
  EXPECT_EQ(dense.levels.size() + (dense.zeros > 0), 8u);
  options.positions = format::Positions::kGapBucket;
  const Outcome sparse = run(sample, options);
  EXPECT_EQ(sparse.levels.size(), 8u);
  for (size_t i = 0; i < sparse.before.size(); ++i) {
    if (sparse.before[i] == 0) EXPECT_EQ(sparse.after[i], 0);
  }
}

TEST(Lossy, WhatDoesNotChangeStaysExact) {
  std::mt19937_64 rng(5);
  // 20 levels and signed zeros: 5 bits and a sparsity below that of the tensor change nothing.
  Sample sample;
  sample.dims = {64, 64};
  for (int i = 0; i < 64 * 64; ++i) {
    const uint64_t zero = (rng() & 1) << 31;
    const uint64_t word =
        rng() % 4 != 0 ? zero : double_to_word(DType::kF32, 0.5 + static_cast<double>(rng() % 20));
    sample.data.resize(sample.data.size() + 4);
    store_word(sample.data.data() + sample.data.size() - 4, 4, word);
  }
  for (const auto& positions : kAllChoices) {
    for (const unsigned bits : {0u, 5u}) {
      for (const double sparsity : {0.0, 0.5}) {
        EncodeOptions options = with_positions(positions);
        options.bits = bits;
        options.sparsity = sparsity;
        const Outcome out = run(sample, options);
        EXPECT_EQ(out.tensor().fidelity, Fidelity::kBitExact);
        EXPECT_TRUE(out.file.dense[0] == sample.data);
      }
    }
  }
}

TEST(Lossy, SmallFlatAndIntegerTensorsAreLeftAlone) {
  EncodeOptions options;
  options.bits = 2;
  options.sparsity = 0.5;
  for (const std::vector<uint64_t>& dims : {std::vector<uint64_t>{}, {5000}, {7, 73}, {511, 1}}) {
    const Sample sample = gaussian(DType::kF32, dims, 6);
    const Outcome out = run(sample, options);
    EXPECT_EQ(out.tensor().fidelity, Fidelity::kBitExact);
    EXPECT_TRUE(out.file.dense[0] == sample.data);
  }
  EXPECT_EQ(run(gaussian(DType::kF32, {512, 1}, 6), options).tensor().fidelity, Fidelity::kLossy);
}

TEST(Lossy, PrunedToNothing) {
  EncodeOptions options;
  options.sparsity = 0.9999;
  for (const unsigned bits : {0u, 5u}) {
    options.bits = bits;
    const Outcome out = run(gaussian(DType::kF16, {20, 30}, 7), options);
    EXPECT_EQ(out.zeros, 600u);
    EXPECT_EQ(out.tensor().fidelity, Fidelity::kLossy);
  }
}

TEST(Lossy, CsrIsClustered) {
  const uint64_t row_ptr[] = {0, 300, 300, 512};
  std::vector<uint32_t> col;
  std::vector<uint8_t> values;
  std::mt19937_64 rng(8);
  std::normal_distribution<double> normal(0, 1);
  for (uint32_t i = 0; i < 300; ++i) col.push_back(3 * i);
  for (uint32_t i = 0; i < 212; ++i) col.push_back(2 * i + 1);
  for (size_t i = 0; i < 512; ++i) {
    values.resize(values.size() + 4);
    store_word(values.data() + 4 * i, 4, double_to_word(DType::kF32, i == 9 ? 0 : normal(rng)));
  }
  const uint64_t dims[] = {3, 1000};
  TensorInput input;
  input.spec = {"w", DType::kF32, 0, "", dims};
  input.data = CsrData{row_ptr, col.data(), values.data()};
  for (const auto& positions : kAllChoices) {
    EncodeOptions options = with_positions(positions);
    options.bits = 4;
    FileWriter writer({});
    ASSERT_TRUE(writer.add(input, options).ok());
    const ReferenceFile file = decoded(finish_file(writer));
    const std::vector<double> after = numbers(DType::kF32, file.dense.at(0));
    const std::vector<double> before = numbers(DType::kF32, values);
    double error = 0;
    std::set<double> levels;
    for (size_t k = 0; k < 512; ++k) {
      const double v = after[(k < 300 ? 0 : 2000) + col[k]];
      error = std::max(error, std::abs(v - before[k]));
      if (k != 9) levels.insert(v);
    }
    EXPECT_EQ(after[col[9]], 0);
    EXPECT_EQ(file.manifest.tensors[0].error_bound, error);
    EXPECT_LE(levels.size(), 16u);
    EXPECT_EQ(after.size() - static_cast<size_t>(std::count(after.begin(), after.end(), 0.0)),
              511u);
  }
}

TEST(Lossy, FilledDenseClustersAre256) {
  EncodeOptions options;
  options.bits = 8;
  const Sample sample = gaussian(DType::kF32, {100, 100}, 5);
  EXPECT_LT(run(sample, options).levels.size(), 255u);
  options.fill_clusters = true;
  EXPECT_EQ(run(sample, options).levels.size(), 256u);
  options.positions = format::Positions::kGap;  // the filler zero takes a code
  EXPECT_EQ(run(sample, options).levels.size(), 255u);
}

TEST(Lossy, WhatTheSourceHasLostIsHandedOn) {
  const Sample sample = gaussian(DType::kF32, {40, 50}, 6);
  EncodeOptions options;
  options.source_fidelity = Fidelity::kValueExact;
  EXPECT_EQ(decoded(file_of({sample}, options)).manifest.tensors[0].fidelity,
            Fidelity::kValueExact);
  options.source_fidelity = Fidelity::kLossy;
  options.source_bound = 0.25;
  const auto exact = decoded(file_of({sample}, options)).manifest.tensors[0];
  EXPECT_EQ(exact.fidelity, Fidelity::kLossy);
  EXPECT_EQ(exact.error_bound, 0.25);
  options.bits = 2;
  const double both = decoded(file_of({sample}, options)).manifest.tensors[0].error_bound;
  options.source_bound = 0;
  const double own = decoded(file_of({sample}, options)).manifest.tensors[0].error_bound;
  EXPECT_GT(own, 0);
  EXPECT_GE(both, own + 0.25);
  EXPECT_LT(both, own + 0.2500001);
}

// Equal data of different history are no alias of each other: an alias has one fidelity.
TEST(Lossy, HistoriesAreNotShared) {
  const Sample sample = gaussian(DType::kF32, {40, 50}, 7);
  FileWriter writer({});
  for (const char* const name : {"a", "b"}) {
    EncodeOptions options;
    if (*name == 'b') {
      options.source_fidelity = Fidelity::kLossy;
      options.source_bound = 1;
    }
    TensorInput input = sample.input();
    input.spec.name = name;
    ASSERT_TRUE(writer.add(input, options).ok());
  }
  const ReferenceFile file = decoded(finish_file(writer));
  EXPECT_EQ(file.manifest.tensors[0].fidelity, Fidelity::kBitExact);
  EXPECT_EQ(file.manifest.tensors[1].fidelity, Fidelity::kLossy);
  EXPECT_EQ(file.manifest.tensors[1].error_bound, 1);
}

}  // namespace
}  // namespace dcf::impl::encode
