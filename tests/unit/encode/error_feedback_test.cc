// SPDX-License-Identifier: Apache-2.0
#include "encode/round/error_feedback.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/float_convert.h"
#include "encode/round/trellis.h"
#include "support/normal_weights.h"
#include "support/words_of.h"

namespace dcf::impl::encode {
namespace {

constexpr double kSqnr = 25;

// A layer, and inputs that it reads.
struct Layer {
  std::vector<uint64_t> dims;
  std::vector<double> weights;
  uint64_t groups = 1;
  uint64_t cols = 0;  // of a group
  std::vector<float> matrix, mean, mean_square;

  Moments full() const { return {.groups = groups, .matrix = matrix}; }
  Moments vectors() const { return {.groups = groups, .mean = mean, .mean_square = mean_square}; }
};

// Inputs of `rank` hidden causes each, and of a mean that is not 0.
Layer correlated(std::vector<uint64_t> dims, uint64_t groups, uint32_t seed, size_t samples = 400) {
  Layer layer;
  layer.dims = std::move(dims);
  layer.groups = groups;
  layer.cols = 1;
  for (size_t d = 1; d < layer.dims.size(); ++d) layer.cols *= layer.dims[d];
  const auto n = static_cast<size_t>(layer.cols);
  const std::vector<float> weights = normal_weights(layer.dims[0] * n, seed);
  layer.weights.assign(weights.begin(), weights.end());
  const size_t causes = std::max<size_t>(n / 4, 1);
  for (uint64_t g = 0; g < groups; ++g) {
    const std::vector<float> mix = normal_weights(causes * n, seed + 1000 + g);
    const std::vector<float> hidden = normal_weights(samples * causes, seed + 2000 + g);
    const std::vector<float> own = normal_weights(samples * n, seed + 3000 + g);
    std::vector<double> moments(n * n), sums(n);
    std::vector<double> x(n);
    for (size_t s = 0; s < samples; ++s) {
      for (size_t c = 0; c < n; ++c) {
        x[c] = 0.3 * own[s * n + c] + 0.5;
        for (size_t k = 0; k < causes; ++k) x[c] += mix[k * n + c] * hidden[s * causes + k];
      }
      for (size_t i = 0; i < n; ++i) {
        sums[i] += x[i];
        for (size_t j = 0; j < n; ++j) moments[i * n + j] += x[i] * x[j];
      }
    }
    const auto count = static_cast<double>(samples);
    for (const double m : moments) layer.matrix.push_back(static_cast<float>(m / count));
    for (size_t c = 0; c < n; ++c) {
      layer.mean.push_back(static_cast<float>(sums[c] / count));
      layer.mean_square.push_back(static_cast<float>(moments[c * n + c] / count));
    }
  }
  return layer;
}

struct LayerOutcome {
  std::vector<double> errors;  // weights - rounded weights
  std::optional<RoundedTensor> rounded;
  Status status;
};

LayerOutcome round_layer(const Layer& layer, const Moments* moments, DType dtype = DType::kF32,
                         unsigned threads = 1, uint64_t memory = uint64_t{1} << 30,
                         double sqnr_db = kSqnr) {
  Parallel parallel;
  parallel.threads = threads;
  Progress progress;
  const Work work{parallel, progress, memory};
  const std::vector<uint8_t> words = words_of(dtype, layer.weights);
  LayerOutcome out;
  Result<std::optional<RoundedTensor>> result =
      round_to_grid(dtype, words, layer.dims, sqnr_db, work, moments);
  out.status = result.status();
  if (!result.ok() || !result.value()) return out;
  out.rounded = std::move(result.value());
  out.errors.resize(layer.weights.size());
  std::vector<double> before(out.errors.size());
  words_to_doubles(dtype, words, before);
  words_to_doubles(dtype, out.rounded->words, out.errors);
  for (size_t i = 0; i < before.size(); ++i) out.errors[i] = before[i] - out.errors[i];
  return out;
}

// E|W x - W' x|^2 by its definition.
double output_error(const Layer& layer, const std::vector<double>& errors,
                    bool inputs_first = false) {
  const uint64_t rows = errors.size() / layer.cols;
  const auto n = static_cast<size_t>(layer.cols);
  double sum = 0;
  for (uint64_t r = 0; r < rows; ++r) {
    const float* const m = layer.matrix.data() + r / (rows / layer.groups) * n * n;
    const auto at = [&](size_t c) { return errors[inputs_first ? c * rows + r : r * n + c]; };
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) sum += at(i) * m[i * n + j] * at(j);
    }
  }
  return sum;
}

TEST(ErrorFeedback, OutputErrorFallsOnTheSameGrid) {
  // Rows too short for trellis values, which need other scales.
  const Layer layer = correlated({128, 31}, 1, 1);
  const Moments full = layer.full();
  const Moments vectors = layer.vectors();
  const LayerOutcome plain = round_layer(layer, nullptr);
  const double before = output_error(layer, plain.errors);
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    const LayerOutcome fed = round_layer(layer, &full, dtype, 1, uint64_t{1} << 30);
    ASSERT_TRUE(fed.rounded);
    EXPECT_EQ(fed.rounded->grid.scales, plain.rounded->grid.scales);
    const double after = output_error(layer, fed.errors);
    EXPECT_LT(after, before / 3) << static_cast<int>(dtype);
    EXPECT_NEAR(fed.rounded->output_error, after, 1e-3 * before);
    EXPECT_EQ(fed.rounded->use, MomentsUse::kMatrix);
  }
  // The vectors know of the mean alone.
  const LayerOutcome by_vectors = round_layer(layer, &vectors);
  EXPECT_LT(output_error(layer, by_vectors.errors), before);
  EXPECT_EQ(by_vectors.rounded->use, MomentsUse::kVectors);
}

TEST(ErrorFeedback, TheGreatestErrorIsTold) {
  const Layer layer = correlated({50, 40}, 1, 2);
  const Moments full = layer.full();
  const LayerOutcome fed = round_layer(layer, &full);
  double greatest = 0;
  for (const double e : fed.errors) greatest = std::max(greatest, std::abs(e));
  EXPECT_EQ(fed.rounded->greatest_error, greatest);
}

// Moments that are diag + rank one are the same as a matrix and as vectors.
TEST(ErrorFeedback, VectorsAreAMatrixOfRankOneAndADiagonal) {
  Layer layer = correlated({64, 48}, 1, 3);
  const auto n = static_cast<size_t>(layer.cols);
  for (size_t i = 0; i < n; ++i) layer.mean[i] = 0.9F * std::sqrt(layer.mean_square[i]);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      layer.matrix[i * n + j] = i == j ? layer.mean_square[i] : layer.mean[i] * layer.mean[j];
    }
  }
  const Moments full = layer.full();
  const Moments vectors = layer.vectors();
  const LayerOutcome a = round_layer(layer, &full);
  const LayerOutcome b = round_layer(layer, &vectors);
  ASSERT_TRUE(a.rounded && b.rounded);
  size_t different = 0;
  for (size_t i = 0; i < a.errors.size(); ++i) different += a.errors[i] != b.errors[i];
  EXPECT_LE(different, a.errors.size() / 500);
  EXPECT_NEAR(a.rounded->output_error, b.rounded->output_error, 0.01 * a.rounded->output_error);
  EXPECT_LT(output_error(layer, b.errors),
            output_error(layer, round_layer(layer, nullptr).errors) / 3);
}

TEST(ErrorFeedback, IdentityAndZeroMomentsChangeNothing) {
  Layer layer = correlated({40, 30}, 1, 4);
  const LayerOutcome plain = round_layer(layer, nullptr);
  for (const float diagonal : {1.0F, 0.0F}) {
    for (size_t i = 0; i < layer.matrix.size(); ++i) layer.matrix[i] = i % 31 == 0 ? diagonal : 0;
    const Moments full = layer.full();
    const LayerOutcome fed = round_layer(layer, &full);
    ASSERT_TRUE(fed.rounded);
    EXPECT_EQ(fed.rounded->words, plain.rounded->words);
    EXPECT_EQ(fed.rounded->greatest_error, plain.rounded->greatest_error);
  }
}

TEST(ErrorFeedback, DeadInputsAreRoundedToTheNearest) {
  Layer layer = correlated({40, 30}, 1, 5);
  for (size_t i = 0; i < 30; ++i) layer.matrix[7 * 30 + i] = layer.matrix[i * 30 + 7] = 0;
  const Moments full = layer.full();
  const LayerOutcome fed = round_layer(layer, &full);
  ASSERT_TRUE(fed.rounded);
  for (size_t r = 0; r < 40; ++r) {
    EXPECT_LE(std::abs(fed.errors[r * 30 + 7]), 0.5001 * fed.rounded->grid.scales[0]);
  }
}

// E|(w - w') x|^2 of each row of a layer without groups.
std::vector<double> row_errors(const Layer& layer, const std::vector<double>& errors) {
  std::vector<double> result;
  for (auto row = errors.begin(); row != errors.end(); row += static_cast<ptrdiff_t>(layer.cols)) {
    result.push_back(
        output_error(layer, std::vector<double>(row, row + static_cast<ptrdiff_t>(layer.cols))));
  }
  return result;
}

// No row is worse than without data under the moments given, whatever the weights; where feeding on
// would make it worse, it stays.
TEST(ErrorFeedback, NoRowIsWorseThanWithoutMoments) {
  size_t stayed = 0;
  size_t changed = 0;
  for (uint32_t seed = 10; seed < 30; ++seed) {
    // Rows too short for trellis values, which are nearer without moments.
    Layer layer = correlated({24, 1 + seed}, 1, seed, 20);
    // Hardly correlated, so that chance decides in many rows.
    for (size_t i = 0; i < layer.matrix.size(); ++i) {
      if (i % (layer.cols + 1) != 0) layer.matrix[i] *= 0.02F;
    }
    const Moments full = layer.full();
    for (const double sqnr : {6.0, 12.0, 30.0}) {
      const LayerOutcome plain =
          round_layer(layer, nullptr, DType::kF32, 1, uint64_t{1} << 30, sqnr);
      const LayerOutcome fed = round_layer(layer, &full, DType::kF32, 1, uint64_t{1} << 30, sqnr);
      ASSERT_TRUE(plain.rounded && fed.rounded);
      const std::vector<double> before = row_errors(layer, plain.errors);
      const std::vector<double> after = row_errors(layer, fed.errors);
      for (size_t r = 0; r < before.size(); ++r) {
        EXPECT_LE(after[r], before[r] * (1 + 1e-9)) << seed << ' ' << r;
        ++(after[r] == before[r] ? stayed : changed);
      }
    }
  }
  EXPECT_GT(stayed, 10u);
  EXPECT_GT(changed, 10u);
}

// Moments of fewer inputs than columns fit these inputs, and harm those of another kind.
TEST(ErrorFeedback, MomentsOfFewInputsCountLess) {
  for (uint32_t seed = 1; seed < 4; ++seed) {
    const Layer few = correlated({96, 64}, 1, seed, 20);
    const Layer others = correlated({96, 64}, 1, seed + 100);
    const auto error_with = [&](const Moments& moments) {
      return output_error(others, round_layer(few, &moments).errors);
    };
    Moments told = few.full();
    const double untold = error_with(told);
    told.inputs = 64;
    EXPECT_EQ(error_with(told), untold);
    told.inputs = 20;
    EXPECT_LT(error_with(told), untold);
  }
}

TEST(ErrorFeedback, GroupsHaveMomentsOfTheirOwn) {
  const Layer layer = correlated({96, 3, 3, 3}, 12, 6);
  const Moments full = layer.full();
  const Moments vectors = layer.vectors();
  const LayerOutcome plain = round_layer(layer, nullptr);
  const LayerOutcome fed = round_layer(layer, &full);
  ASSERT_TRUE(fed.rounded);
  EXPECT_LT(output_error(layer, fed.errors), output_error(layer, plain.errors) / 2);
  EXPECT_NEAR(fed.rounded->output_error, output_error(layer, fed.errors),
              1e-6 * fed.rounded->output_error);
  ASSERT_TRUE(round_layer(layer, &vectors).rounded);
}

// A channel that never fires has moments of 0 among others.
TEST(ErrorFeedback, AGroupThatWasNeverSeenStaysAsWithout) {
  Layer layer = correlated({64, 1, 3, 3}, 64, 7);
  std::fill_n(layer.matrix.begin() + 5 * 81, 81, 0.0F);
  const Moments full = layer.full();
  const LayerOutcome plain = round_layer(layer, nullptr);
  const LayerOutcome fed = round_layer(layer, &full);
  ASSERT_TRUE(fed.rounded);
  for (size_t i = 5 * 9; i < 6 * 9; ++i) EXPECT_EQ(fed.errors[i], plain.errors[i]);
  EXPECT_LT(output_error(layer, fed.errors), output_error(layer, plain.errors));
}

TEST(ErrorFeedback, InputsFirstIsTheTranspose) {
  const Layer layer = correlated({48, 32}, 1, 8);
  Layer transposed = layer;
  transposed.dims = {32, 48};
  for (size_t r = 0; r < 48; ++r) {
    for (size_t c = 0; c < 32; ++c) transposed.weights[c * 48 + r] = layer.weights[r * 32 + c];
  }
  const Moments full = layer.full();
  Moments first = full;
  first.inputs_first = true;
  const LayerOutcome a = round_layer(layer, &full);
  const LayerOutcome b = round_layer(transposed, &first);
  ASSERT_TRUE(a.rounded && b.rounded);
  EXPECT_EQ(a.rounded->output_error, b.rounded->output_error);
  EXPECT_EQ(output_error(layer, a.errors) > 0, true);
  for (size_t r = 0; r < 48; ++r) {
    for (size_t c = 0; c < 32; ++c) EXPECT_EQ(a.errors[r * 32 + c], b.errors[c * 48 + r]);
  }
}

TEST(ErrorFeedback, ScalesOfRowsAndColumnsStay) {
  for (const bool by_row : {true, false}) {
    Layer layer = correlated({96, 96}, 1, 9);
    for (size_t i = 0; i < layer.weights.size(); ++i) {
      layer.weights[i] *= std::exp2(static_cast<double>((by_row ? i / 96 : i % 96) % 6));
    }
    const Moments full = layer.full();
    const LayerOutcome plain = round_layer(layer, nullptr);
    const LayerOutcome fed = round_layer(layer, &full);
    ASSERT_TRUE(fed.rounded);
    ASSERT_EQ(fed.rounded->grid.scales.size(), 96u);
    // Those without moments are of trellis values, in the same proportion.
    for (size_t i = 0; i < 96; ++i) {
      EXPECT_NEAR(plain.rounded->grid.scales[i] / fed.rounded->grid.scales[i],
                  1 / std::sqrt(4 * kTrellisGain), 2e-3);
    }
    EXPECT_LT(output_error(layer, fed.errors), output_error(layer, plain.errors) / 2);
  }
}

TEST(ErrorFeedback, DoesNotDependOnThreads) {
  for (const Layer& layer : {correlated({70, 150}, 1, 11), correlated({96, 3, 3, 3}, 12, 11)}) {
    for (const Moments& moments : {layer.full(), layer.vectors()}) {
      const LayerOutcome one = round_layer(layer, &moments, DType::kF32, 1);
      const LayerOutcome four = round_layer(layer, &moments, DType::kF32, 4);
      ASSERT_TRUE(one.rounded && four.rounded);
      EXPECT_EQ(one.rounded->words, four.rounded->words);
      EXPECT_EQ(one.rounded->greatest_error, four.rounded->greatest_error);
      EXPECT_EQ(one.rounded->output_error, four.rounded->output_error);
    }
  }
}

TEST(ErrorFeedback, AMatrixBeyondTheMemoryBecomesVectors) {
  const Layer layer = correlated({64, 256}, 1, 12, 50);
  const uint64_t rounded = rounded_bytes(layer.weights.size(), 32);
  const uint64_t little = rounded + 200'000;  // 8 * 256^2 bytes are 524,288
  Moments full = layer.full();
  const LayerOutcome plain = round_layer(layer, nullptr);
  const LayerOutcome alone = round_layer(layer, &full, DType::kF32, 1, little);
  ASSERT_TRUE(alone.rounded) << alone.status.message;
  EXPECT_EQ(alone.rounded->use, MomentsUse::kVectors);
  EXPECT_LE(output_error(layer, alone.errors), output_error(layer, plain.errors));
  full.mean = layer.mean;
  full.mean_square = layer.mean_square;
  const LayerOutcome both = round_layer(layer, &full, DType::kF32, 1, little);
  const Moments vectors = layer.vectors();
  ASSERT_TRUE(both.rounded);
  EXPECT_EQ(both.rounded->words, round_layer(layer, &vectors).rounded->words);
  EXPECT_EQ(round_layer(layer, &full, DType::kF32, 1, rounded + 1000).status.code,
            Code::LimitMemory);
}

TEST(ErrorFeedback, SingularMomentsAreNoTrouble) {
  Layer layer = correlated({40, 30}, 1, 13);
  std::fill(layer.matrix.begin(), layer.matrix.end(), 1.0F);  // rank one
  const Moments full = layer.full();
  const LayerOutcome fed = round_layer(layer, &full);
  ASSERT_TRUE(fed.rounded) << fed.status.message;
  EXPECT_LT(output_error(layer, fed.errors),
            output_error(layer, round_layer(layer, nullptr).errors) / 10);
}

TEST(ErrorFeedback, NumbersThatAreNoMomentsAreRefused) {
  const Layer good = correlated({40, 30}, 1, 14);
  const auto expect_refused = [&](size_t index, float value, std::string_view what) {
    Layer layer = good;
    layer.matrix[index] = value;
    const Moments full = layer.full();
    const LayerOutcome fed = round_layer(layer, &full);
    EXPECT_EQ(fed.status.code, Code::InvalidArgument) << what;
    EXPECT_NE(std::string_view(fed.status.message).find(what), std::string_view::npos)
        << fed.status.message;
  };
  expect_refused(50, std::nanf(""), "NaN");
  expect_refused(50, std::numeric_limits<float>::infinity(), "Inf");
  expect_refused(31, -1.0F, "negative");
  expect_refused(1, good.matrix[1] + 5, "symmetric");
  Layer indefinite = good;
  // Every pair of inputs alone is possible, three of them are not.
  std::fill(indefinite.matrix.begin(), indefinite.matrix.end(), 0.0F);
  for (size_t i = 0; i < 30; ++i) {
    for (size_t j = 0; j < 30; ++j) indefinite.matrix[i * 30 + j] = i == j ? 1.0F : -0.9F;
  }
  const Moments full = indefinite.full();
  EXPECT_EQ(round_layer(indefinite, &full).status.code, Code::InvalidArgument);
  Layer vectors = good;
  vectors.mean_square[3] = 0.01F * vectors.mean[3] * vectors.mean[3];
  vectors.mean[3] = 100;
  const Moments wrong = vectors.vectors();
  EXPECT_EQ(round_layer(vectors, &wrong).status.code, Code::InvalidArgument);
}

TEST(Moments, SizesAreThoseOfTheTensor) {
  const std::vector<float> floats(81);
  const std::vector<uint64_t> dims = {8, 9};
  const auto check = [&](const Moments& moments) { return check_moments(moments, dims, 72).code; };
  const std::span<const float> all = floats;
  EXPECT_EQ(check({.matrix = all}), Code::Ok);
  EXPECT_EQ(check({.matrix = all.first(80)}), Code::InvalidArgument);
  EXPECT_EQ(check({}), Code::InvalidArgument);
  EXPECT_EQ(check({.groups = 3, .matrix = all}), Code::InvalidArgument);
  EXPECT_EQ(check({.groups = 0, .matrix = all}), Code::InvalidArgument);
  EXPECT_EQ(check({.groups = 2, .matrix = all}), Code::InvalidArgument);
  EXPECT_EQ(check({.mean = all.first(9), .mean_square = all.first(9)}), Code::Ok);
  EXPECT_EQ(check({.mean = all.first(9), .mean_square = all.first(8)}), Code::InvalidArgument);
  EXPECT_EQ(check({.inputs_first = true, .matrix = all}), Code::InvalidArgument);
  EXPECT_EQ(check({.inputs_first = true, .matrix = all.first(64)}), Code::Ok);
  EXPECT_EQ(check({.groups = UINT64_MAX, .matrix = all}), Code::InvalidArgument);
}

}  // namespace
}  // namespace dcf::impl::encode
