// SPDX-License-Identifier: Apache-2.0
// Centroid gradients (Deep Compression, section 3.3) against numerical ones: a small linear and a
// small convolution layer, squared error as the loss.
#include <dcf/dcf_encode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <vector>

namespace {

using Doubles = std::vector<double>;

Doubles normal_numbers(size_t n, std::mt19937* random) {
  std::normal_distribution<double> normal;
  Doubles numbers(n);
  for (double& v : numbers) v = normal(*random);
  return numbers;
}

// Outputs as a linear map of the weights: output o adds weight[w] * input[i] for each term.
struct Term {
  size_t output, weight, input;
};

std::vector<Term> linear_terms(size_t batch, size_t outputs, size_t inputs) {
  std::vector<Term> terms;
  for (size_t b = 0; b < batch; ++b) {
    for (size_t o = 0; o < outputs; ++o) {
      for (size_t i = 0; i < inputs; ++i) {
        terms.push_back({b * outputs + o, o * inputs + i, b * inputs + i});
      }
    }
  }
  return terms;
}

// Kernels of 3 x 3 over one plane of 6 x 6, without padding: 4 x 4 outputs each.
std::vector<Term> convolution_terms(size_t outputs) {
  std::vector<Term> terms;
  for (size_t o = 0; o < outputs; ++o) {
    for (size_t at = 0; at < 16; ++at) {
      for (size_t k = 0; k < 9; ++k) {
        terms.push_back({o * 16 + at, o * 9 + k, (at / 4 + k / 3) * 6 + at % 4 + k % 3});
      }
    }
  }
  return terms;
}

struct Layer {
  std::vector<Term> terms;
  Doubles input, target;
  std::vector<uint8_t> codes;

  Doubles errors(const Doubles& codebook) const {
    Doubles y(target.size());
    for (const Term& t : terms) {
      if (codes[t.weight] != 0) y[t.output] += codebook[codes[t.weight] - 1] * input[t.input];
    }
    for (size_t i = 0; i < y.size(); ++i) y[i] -= target[i];
    return y;
  }
  double loss(const Doubles& codebook) const {
    double sum = 0;
    for (const double e : errors(codebook)) sum += 0.5 * e * e;
    return sum;
  }
  // What a framework hands over: the gradient of every weight as if it were free.
  std::vector<float> weight_gradient(const Doubles& codebook) const {
    const Doubles e = errors(codebook);
    Doubles gradient(codes.size());
    for (const Term& t : terms) gradient[t.weight] += e[t.output] * input[t.input];
    return {gradient.begin(), gradient.end()};
  }
};

void expect_numerical_gradient(const Layer& layer, const Doubles& codebook) {
  const std::vector<float> gradient = layer.weight_gradient(codebook);
  Doubles sums(codebook.size(), NAN);
  ASSERT_EQ(dcf_sum_gradients(gradient.data(), layer.codes.data(), gradient.size(),
                              static_cast<uint32_t>(codebook.size()), sums.data(), nullptr),
            DCF_OK);
  double scale = 0;
  for (const double s : sums) scale = std::max(scale, std::abs(s));
  for (size_t c = 0; c < codebook.size(); ++c) {
    Doubles above = codebook, below = codebook;
    above[c] += 0.25;  // the loss is a square: central differences are exact
    below[c] -= 0.25;
    const double numerical = (layer.loss(above) - layer.loss(below)) / 0.5;
    EXPECT_NEAR(sums[c], numerical, 1e-6 * scale) << c;
  }
}

Layer random_layer(std::vector<Term> terms, size_t weights, size_t inputs, size_t outputs,
                   uint32_t clusters, std::mt19937* random) {
  Layer layer{
      std::move(terms), normal_numbers(inputs, random), normal_numbers(outputs, random), {}};
  for (size_t i = 0; i < weights; ++i) {
    layer.codes.push_back(static_cast<uint8_t>((*random)() % (clusters + 1)));
  }
  return layer;
}

TEST(EncodeApiGradient, EqualsNumericalGradients) {
  std::mt19937 random(1);
  for (uint32_t k = 1; k <= 6; ++k) {
    expect_numerical_gradient(random_layer(linear_terms(5, 8, 12), 96, 60, 40, k, &random),
                              normal_numbers(k, &random));
    expect_numerical_gradient(random_layer(convolution_terms(4), 36, 36, 64, k, &random),
                              normal_numbers(k, &random));
  }
}

// The sums drive fine-tuning: plain descent on the codebook lowers the loss at every step.
TEST(EncodeApiGradient, DescentOnTheSumsLowersTheLoss) {
  std::mt19937 random(2);
  const Layer layer = random_layer(linear_terms(5, 8, 12), 96, 60, 40, 4, &random);
  Doubles codebook = normal_numbers(4, &random), sums(4);
  for (int step = 0; step < 20; ++step) {
    const double before = layer.loss(codebook);
    const std::vector<float> gradient = layer.weight_gradient(codebook);
    ASSERT_EQ(dcf_sum_gradients(gradient.data(), layer.codes.data(), gradient.size(), 4,
                                sums.data(), nullptr),
              DCF_OK);
    for (size_t c = 0; c < 4; ++c) codebook[c] -= 1e-3 * sums[c];
    ASSERT_LT(layer.loss(codebook), before);
  }
}

TEST(EncodeApiGradient, UnusedCentroidsAndNoWeightsHaveNone) {
  const float gradient[] = {1, 2, 4};
  const uint8_t codes[] = {3, 0, 3};
  double sums[] = {9, 9, 9};
  ASSERT_EQ(dcf_sum_gradients(gradient, codes, 3, 3, sums, nullptr), DCF_OK);
  EXPECT_EQ(Doubles(sums, sums + 3), (Doubles{0, 0, 5}));
  ASSERT_EQ(dcf_sum_gradients(nullptr, nullptr, 0, 3, sums, nullptr), DCF_OK);
  EXPECT_EQ(Doubles(sums, sums + 3), (Doubles{0, 0, 0}));
  EXPECT_EQ(dcf_sum_gradients(gradient, codes, 3, 2, sums, nullptr), DCF_STATUS_BAD_INDEX);
}

}  // namespace
