// SPDX-License-Identifier: Apache-2.0
// Files of tensors that the writer rounds.
#include <cmath>

#include "base/checked.h"
#include "support/normal_weights.h"
#include "support/words_of.h"
#include "writing.h"

namespace dcf::impl::encode {
namespace {

Sample weights(DType dtype, std::vector<uint64_t> dims, uint32_t seed) {
  Sample sample;
  sample.name = "w";
  sample.dtype = dtype;
  sample.dims = std::move(dims);
  uint64_t elements = 1;
  for (const uint64_t dim : sample.dims) elements *= dim;
  const std::vector<float> values = normal_weights(static_cast<size_t>(elements), seed);
  sample.data = words_of(dtype, {values.begin(), values.end()});
  return sample;
}

EncodeOptions rounding(double sqnr_db) {
  EncodeOptions options;
  options.sqnr_db = sqnr_db;
  return options;
}

std::vector<double> numbers(DType dtype, const std::vector<uint8_t>& words) {
  std::vector<double> values(words.size() / (dtype_bits(dtype) / 8));
  words_to_doubles(dtype, words, values);
  return values;
}

TEST(RoundedFile, IsSmallAndItsBoundIsTrue) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const double sqnr : {15.0, 30.0, 40.0}) {
      const Sample sample = weights(dtype, {300, 400}, 1);
      const std::vector<uint8_t> bytes = file_of({sample}, rounding(sqnr));
      const ReferenceFile file = decoded(bytes);
      const format::Tensor& tensor = file.manifest.tensors[0];
      EXPECT_EQ(tensor.fidelity, format::Fidelity::kLossy);
      const std::vector<double> before = numbers(dtype, sample.data);
      const std::vector<double> after = numbers(dtype, file.dense[0]);
      double greatest = 0;
      double noise = 0;
      for (size_t i = 0; i < before.size(); ++i) {
        greatest = std::max(greatest, std::abs(before[i] - after[i]));
        noise += (before[i] - after[i]) * (before[i] - after[i]);
      }
      EXPECT_EQ(tensor.error_bound, greatest);
      EXPECT_NEAR(-10 * std::log10(noise / 120000), sqnr, 0.5);
      // A bit for each 6 dB, and a quarter.
      EXPECT_LE(static_cast<double>(bytes.size()) * 8 / 120000, sqnr / 6.02 + 0.4);
    }
  }
}

TEST(RoundedFile, DoesNotDependOnThreadsOrPieces) {
  for (const std::vector<uint64_t>& dims :
       {std::vector<uint64_t>{700, 900}, std::vector<uint64_t>{64, 64, 5, 5}}) {
    const Sample sample = weights(DType::kF32, dims, 2);
    const std::vector<uint8_t> whole = file_of({sample}, rounding(35), 1);
    EXPECT_EQ(file_of({sample}, rounding(35), 5), whole);
    FileWriter writer({});
    const TensorInput input = sample.input();
    ASSERT_TRUE(writer.begin_tensor(input.spec, rounding(35)).ok());
    for (size_t at = 0; at < sample.data.size(); at += 100001) {
      const size_t size = std::min<size_t>(100001, sample.data.size() - at);
      ASSERT_TRUE(writer.write_piece(Bytes(sample.data).subspan(at, size)).ok());
    }
    ASSERT_TRUE(writer.end_tensor().ok());
    EXPECT_EQ(finish_file(writer), whole);
  }
}

void expect_exact(const Sample& sample, double sqnr_db) {
  const ReferenceFile file = decoded(file_of({sample}, rounding(sqnr_db)));
  EXPECT_EQ(file.manifest.tensors[0].fidelity, format::Fidelity::kBitExact);
  EXPECT_EQ(file.manifest.tensors[0].error_bound, 0);
  EXPECT_EQ(file.dense[0], sample.data);
}

TEST(RoundedFile, WhatIsNotRoundedIsExact) {
  expect_exact(weights(DType::kF32, {4096}, 3), 20);   // rank 1
  expect_exact(weights(DType::kF32, {7, 73}, 3), 20);  // 511 elements
  Sample special = weights(DType::kF32, {64, 64}, 3);
  store_le(&special.data[400], uint32_t{0x7FC00000});  // NaN
  expect_exact(special, 20);
  store_le(&special.data[400], uint32_t{0xFF800000});  // -Inf
  expect_exact(special, 20);
  Sample zeros = weights(DType::kF32, {64, 64}, 3);
  std::fill(zeros.data.begin(), zeros.data.end(), uint8_t{0});
  expect_exact(zeros, 20);
  Sample constant = zeros;
  for (size_t i = 0; i < constant.data.size(); i += 4)
    store_le(&constant.data[i], uint32_t{0x3E99999A});
  expect_exact(constant, 20);
}

// What lies on a grid or in a palette of as few bits as rounding would leave loses nothing.
TEST(RoundedFile, QuantisedWeightsStayAsTheyAre) {
  Sample palette = weights(DType::kF32, {200, 300}, 4);
  Sample rows = palette;
  for (size_t i = 0; i < palette.data.size() / 4; ++i) {
    const float value = std::bit_cast<float>(load_le<uint32_t>(&palette.data[4 * i]));
    store_le(&palette.data[4 * i], std::bit_cast<uint32_t>(std::round(value * 20) * 0.0173F));
    const float scale = 0.01F + 0.00013F * static_cast<float>(i / 300);
    store_le(&rows.data[4 * i], std::bit_cast<uint32_t>(std::round(value * 30) * scale));
  }
  expect_exact(palette, 40);
  expect_exact(rows, 40);
  // At a quality that leaves far fewer bits, they are rounded.
  EXPECT_EQ(decoded(file_of({palette}, rounding(15))).manifest.tensors[0].fidelity,
            format::Fidelity::kLossy);
}

// Rounding takes most of the time: its progress is seen, and encoding has the last quarter.
TEST(RoundedFile, ProgressOfRounding) {
  std::vector<uint64_t> seen;
  WriterOptions options;
  options.parallel.threads = 1;
  options.progress = Progress(
      [](void* ctx, uint64_t done, uint64_t) {
        static_cast<std::vector<uint64_t>*>(ctx)->push_back(done);
        return 0;
      },
      &seen);
  const Sample sample = weights(DType::kF32, {2048, 1024}, 6);
  FileWriter writer(options);
  ASSERT_TRUE(writer.add(sample.input(), rounding(30)).ok());
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  const uint64_t total = sample.data.size();
  EXPECT_EQ(seen.back(), total);
  std::erase_if(seen, [&](uint64_t done) { return done > total / 4 * 3; });
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  // Eight tasks, four at a time.
  EXPECT_EQ(seen, (std::vector<uint64_t>{0, total / 8 * 3, total / 4 * 3}));
}

TEST(RoundedFile, PrunedWeightsStayZero) {
  Sample sample = weights(DType::kF32, {200, 300}, 5);
  for (size_t i = 0; i < sample.data.size(); i += 4) {
    if (i % 40 != 0) store_le(&sample.data[i], i % 12 == 0 ? uint32_t{0x80000000} : uint32_t{0});
  }
  const std::vector<uint8_t> bytes = file_of({sample}, rounding(30));
  const std::vector<double> after = numbers(DType::kF32, decoded(bytes).dense[0]);
  for (size_t i = 0; i < after.size(); ++i) {
    if (i % 10 != 0) ASSERT_EQ(after[i], 0);
  }
  EXPECT_LT(bytes.size() * 8, 60000u * 2);
}

// Where rounding leaves mostly zeros, entries and their places take less than a code for each.
TEST(RoundedFile, WeightsThatBecomeZeroAreSkipped) {
  Sample sample = weights(DType::kF32, {200, 300}, 5);
  for (size_t i = 0; i < sample.data.size(); i += 4) {
    const float value = std::bit_cast<float>(load_le<uint32_t>(&sample.data[i]));
    store_le(&sample.data[i], std::bit_cast<uint32_t>(value * value * value));
  }
  const ReferenceFile file = decoded(file_of({sample}, rounding(6)));
  EXPECT_TRUE(file.manifest.tensors[0].encoding.is_sparse());
}

format::Values values_of(const Sample& sample, double sqnr_db) {
  return decoded(file_of({sample}, rounding(sqnr_db))).manifest.tensors[0].encoding.values;
}

TEST(RoundedFile, MatricesAndKernelsWhoseRowsAreLongAreTrellisValues) {
  EXPECT_EQ(values_of(weights(DType::kF32, {60, 100}, 1), 30), format::Values::kTrellis);
  EXPECT_EQ(values_of(weights(DType::kBF16, {500, 32}, 1), 20), format::Values::kTrellis);
  EXPECT_EQ(values_of(weights(DType::kF16, {64, 16, 3, 3}, 1), 40), format::Values::kTrellis);
  EXPECT_EQ(values_of(weights(DType::kF32, {500, 31}, 1), 30), format::Values::kGrid);
  EXPECT_EQ(values_of(weights(DType::kF32, {3, 3, 16, 64}, 1), 30),
            format::Values::kGrid);  // sums of columns
}

// A few zeros are no reason against trellis values, and stay zeros.
TEST(RoundedFile, FewZerosStayZero) {
  Sample sample = weights(DType::kF32, {200, 300}, 5);
  for (size_t i = 0; i < sample.data.size(); i += 400)
    store_le(&sample.data[i], uint32_t{0x80000000});
  const ReferenceFile file = decoded(file_of({sample}, rounding(30)));
  EXPECT_EQ(file.manifest.tensors[0].encoding.values, format::Values::kTrellis);
  const std::vector<double> after = numbers(DType::kF32, file.dense[0]);
  for (size_t i = 0; i < after.size(); i += 100) ASSERT_EQ(after[i], 0) << i;
}

// What was rounded before is found again, without scales that are known.
TEST(RoundedFile, RoundedWeightsAreTrellisValuesWithoutLoss) {
  Sample sample = weights(DType::kF32, {300, 256}, 6);
  const std::vector<uint8_t> rounded = file_of({sample}, rounding(30));
  sample.data = decoded(rounded).dense[0];
  const std::vector<uint8_t> bytes = file_of({sample}, {});
  const ReferenceFile again = decoded(bytes);
  EXPECT_EQ(again.manifest.tensors[0].encoding.values, format::Values::kTrellis);
  EXPECT_EQ(again.manifest.tensors[0].fidelity, format::Fidelity::kBitExact);
  EXPECT_EQ(again.dense[0], sample.data);
  EXPECT_LE(bytes.size(), rounded.size());
}

TEST(RoundedFile, EqualTensorsAreAliasesWhereTheirShapesAreEqual) {
  Sample a = weights(DType::kF32, {60, 100}, 6);
  Sample b = a;
  Sample c = a;
  a.name = "a", b.name = "b", c.name = "c";
  c.dims = {100, 60};
  const ReferenceFile file = decoded(file_of({a, b, c}, rounding(30)));
  EXPECT_EQ(file.manifest.tensors[1].alias_of, 0u);
  EXPECT_EQ(file.manifest.tensors[2].alias_of, kNoTensor);
}

// Moments of inputs that all go together.
struct OneCause {
  explicit OneCause(size_t cols) : matrix(cols * cols, 1.0F) {
    for (size_t c = 0; c < cols; ++c) matrix[c * cols + c] = 1.2F;
    options.moments = Moments{.matrix = matrix, .use = &use};
  }
  std::vector<float> matrix;
  MomentsUse use = MomentsUse::kNone;
  EncodeOptions options = rounding(30);
};

TEST(RoundedFile, MomentsDecideTheBytesAndPiecesDoNot) {
  const Sample sample = weights(DType::kF32, {150, 200}, 10);
  OneCause known(200);
  const std::vector<uint8_t> whole = file_of({sample}, known.options, 1);
  EXPECT_EQ(known.use, MomentsUse::kMatrix);
  EXPECT_NE(whole, file_of({sample}, rounding(30)));
  EXPECT_EQ(whole, file_of({sample}, known.options, 4));
  FileWriter writer({});
  ASSERT_TRUE(writer.begin_tensor(sample.input().spec, known.options).ok());
  ASSERT_TRUE(writer.write_piece(Bytes(sample.data).first(777)).ok());
  ASSERT_TRUE(writer.write_piece(Bytes(sample.data).subspan(777)).ok());
  ASSERT_TRUE(writer.end_tensor().ok());
  EXPECT_EQ(finish_file(writer), whole);
}

TEST(RoundedFile, EqualTensorsOfOtherMomentsAreNoAliases) {
  Sample a = weights(DType::kF32, {60, 100}, 11);
  Sample b = a;
  Sample c = a;
  a.name = "a", b.name = "b", c.name = "c";
  OneCause known(100);
  FileWriter writer({});
  ASSERT_TRUE(writer.add(a.input(), known.options).ok());
  ASSERT_TRUE(writer.add(b.input(), known.options).ok());
  known.matrix[0] = 5;
  ASSERT_TRUE(writer.add(c.input(), known.options).ok());
  const ReferenceFile file = decoded(finish_file(writer));
  EXPECT_EQ(file.manifest.tensors[1].alias_of, 0u);
  EXPECT_EQ(file.manifest.tensors[2].alias_of, kNoTensor);
}

TEST(RoundedFile, MomentsThatDoNotFitAreRefused) {
  const Sample sample = weights(DType::kF32, {60, 100}, 12);
  const auto refused = [&](const EncodeOptions& options) {
    FileWriter writer({});
    return writer.add(sample.input(), options).code;
  };
  EXPECT_EQ(refused(OneCause(99).options), Code::InvalidArgument);
  OneCause not_rounded(100);
  not_rounded.options.sqnr_db = 0;
  EXPECT_EQ(refused(not_rounded.options), Code::InvalidArgument);
  OneCause negative(100);
  negative.matrix[0] = -1;
  EXPECT_EQ(refused(negative.options), Code::InvalidArgument);
}

TEST(RoundedFile, WhatTheSourceHasLostIsAdded) {
  const Sample sample = weights(DType::kF32, {60, 100}, 7);
  EncodeOptions options = rounding(30);
  const double own = decoded(file_of({sample}, options)).manifest.tensors[0].error_bound;
  options.source_fidelity = format::Fidelity::kLossy;
  options.source_bound = 0.5;
  const double both = decoded(file_of({sample}, options)).manifest.tensors[0].error_bound;
  EXPECT_GE(both, own + 0.5);
  EXPECT_LT(both, own + 0.5000001);
}

Code refusal(const TensorInput& input, const EncodeOptions& options) {
  FileWriter writer({});
  return writer.add(input, options).code;
}

TEST(RoundedFile, BadOptionsAreRefused) {
  const Sample sample = weights(DType::kF32, {60, 100}, 8);
  for (const double bad : {-1.0, 0.5, 5.99, 100.5, HUGE_VAL, std::nan("")}) {
    EXPECT_EQ(refusal(sample.input(), rounding(bad)), Code::InvalidArgument) << bad;
  }
  EncodeOptions both = rounding(30);
  both.bits = 4;
  EXPECT_EQ(refusal(sample.input(), both), Code::InvalidArgument);
  both.bits = 0;
  both.sparsity = 0.5;
  EXPECT_EQ(refusal(sample.input(), both), Code::InvalidArgument);
  for (const DType dtype : {DType::kF64, DType::kF8E4M3, DType::kI32}) {
    Sample other = sample;
    other.dtype = dtype;
    other.data.resize(6000 * dtype_bits(dtype) / 8);
    EXPECT_EQ(refusal(other.input(), rounding(30)), Code::InvalidArgument);
  }
  const std::vector<uint64_t> row_ptr(61, 0);
  TensorInput csr = sample.input();
  csr.data = CsrData{row_ptr.data(), nullptr, nullptr};
  EXPECT_EQ(refusal(csr, rounding(30)), Code::InvalidArgument);
  const std::vector<uint8_t> codes(6000);
  const std::vector<uint8_t> book(4);
  TensorInput coded = sample.input();
  coded.data = CodesData{nullptr, nullptr, codes.data(), book.data(), 1};
  EXPECT_EQ(refusal(coded, rounding(30)), Code::InvalidArgument);
}

TEST(RoundedFile, PiecesThatDoNotFitAreRefusedAtTheStart) {
  WriterOptions little;
  little.max_memory = uint64_t{8} << 20;
  FileWriter writer(little);
  const Sample sample = weights(DType::kF32, {1000, 1000}, 9);
  EXPECT_EQ(writer.begin_tensor(sample.input().spec, rounding(30)).code, Code::LimitMemory);
}

}  // namespace
}  // namespace dcf::impl::encode
