// SPDX-License-Identifier: Apache-2.0
// Bias quantisation through dcf/dcf_encode.h.
#include <dcf/dcf_encode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <vector>

#include "base/float_convert.h"

namespace {

using Floats = std::vector<float>;

Floats quantized(const Floats& bias, uint32_t bits) {
  Floats out(bias.size(), NAN);
  EXPECT_EQ(dcf_quantize_bias(bias.data(), bias.size(), bits, out.data(), nullptr), DCF_OK);
  return out;
}

bool fits_binary16(float v) {
  using dcf::impl::DType;
  return dcf::impl::word_to_double(DType::kF16, dcf::impl::double_to_word(DType::kF16, v)) == v;
}

// Whether multiples of `step` nearest to the biases are as few and as near to 0 as they must be.
bool is_enough(const Floats& bias, uint32_t bits, double step) {
  const auto [least, greatest] = std::minmax_element(bias.begin(), bias.end());
  const double low = std::nearbyint(*least / step), high = std::nearbyint(*greatest / step);
  return high - low + 1 <= std::ldexp(1.0, static_cast<int>(bits)) && high <= 2048 && low >= -2048;
}

TEST(EncodeApiBias, NearestMultiplesOfTheSmallestStep) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (int round = 0; round < 500; ++round) {
    const uint32_t bits = 1 + random() % 16;
    const int exponent = static_cast<int>(random() % 24) - 14;
    const float shift = round % 3 == 0 ? 8 * normal(random) : 0;
    Floats bias(1 + random() % 50);
    for (float& b : bias) b = std::ldexp(normal(random) + shift, exponent);
    double step = 0x1p-24;
    while (!is_enough(bias, bits, step)) step *= 2;
    const Floats out = quantized(bias, bits);
    const std::set<float> levels(out.begin(), out.end());
    ASSERT_LE(levels.size(), size_t{1} << bits);
    for (size_t i = 0; i < bias.size(); ++i) {
      ASSERT_EQ(out[i], static_cast<float>(std::nearbyint(bias[i] / step) * step)) << step;
      ASSERT_TRUE(fits_binary16(out[i]) || std::abs(out[i]) > 65504) << out[i];
      ASSERT_FALSE(out[i] == 0 && std::signbit(out[i]));
    }
  }
}

TEST(EncodeApiBias, ByHand) {
  EXPECT_EQ(quantized({-1, -0.25f, 0.2f, 2.9f}, 3), (Floats{-1, 0, 0, 3})) << "5 levels of 1";
  EXPECT_EQ(quantized({-1, -0.25f, 0.2f, 2.5f}, 3), (Floats{-1, -0.5f + 0.5f, 0, 2.5f}))
      << "8 of 1/2";
  EXPECT_EQ(quantized({0.1f}, 1), (Floats{std::nearbyint(0.1f * 16384) / 16384}))
      << "11 bits at least";
  EXPECT_EQ(quantized({1e-9f, -1e-9f}, 8), (Floats{0, 0})) << "below half of 2^-24";
  EXPECT_EQ(quantized({}, 5), Floats{});
}

TEST(EncodeApiBias, BeyondBinary16TheStepRuleStillHolds) {
  const Floats out = quantized({1e30f, -1e30f, 3e29f}, 6);
  EXPECT_NEAR(out[0] / 1e30f, 1, 0.04);
  EXPECT_NEAR(out[2] / 3e29f, 1, 0.12);
  const Floats extreme = {std::nextafter(0x1p127f, 0.0f), -std::nextafter(0x1p127f, 0.0f)};
  for (const float v : quantized(extreme, 16)) EXPECT_TRUE(std::isfinite(v));
}

TEST(EncodeApiBias, WorksInPlace) {
  Floats bias = {0.3f, -0.7f, 0.11f};
  const Floats expected = quantized(bias, 4);
  ASSERT_EQ(dcf_quantize_bias(bias.data(), 3, 4, bias.data(), nullptr), DCF_OK);
  EXPECT_EQ(bias, expected);
}

TEST(EncodeApiBias, RangesOfArguments) {
  float bias = 1, out = 9;
  EXPECT_EQ(dcf_quantize_bias(&bias, 1, 0, &out, nullptr), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(dcf_quantize_bias(&bias, 1, 17, &out, nullptr), DCF_STATUS_INVALID_ARGUMENT);
  bias = 0x1p127f;
  EXPECT_EQ(dcf_quantize_bias(&bias, 1, 5, &out, nullptr), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(out, 9);
}

}  // namespace
