// SPDX-License-Identifier: Apache-2.0
// Pruning through dcf/dcf_encode.h.
#include <dcf/dcf_encode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "support/normal_weights.h"

namespace {

using Mask = std::vector<uint8_t>;

Mask prune(const std::vector<float>& w, double sparsity) {
  Mask mask(w.size(), 9);
  EXPECT_EQ(dcf_prune(w.data(), w.size(), sparsity, mask.data(), nullptr), DCF_OK);
  return mask;
}

TEST(EncodeApiPrune, RemovesAnExactShareOfLeastMagnitude) {
  EXPECT_EQ(prune({3, -1, 0.5f, -4, 2}, 0.4), (Mask{1, 0, 0, 1, 1}));
  EXPECT_EQ(prune({1, -1, 1, -1, 1}, 0.5), (Mask{0, 0, 0, 1, 1})) << "2.5 rounds up; ties";
  EXPECT_EQ(prune({0, 5, -0.0f, 1}, 0), (Mask{0, 1, 0, 1})) << "zeros are never kept";
  EXPECT_EQ(prune({}, 0.5), Mask{});
  const auto w = normal_weights(10007, 1);
  const Mask mask = prune(w, 0.92);
  EXPECT_EQ(std::count(mask.begin(), mask.end(), 0), std::lround(0.92 * 10007));
}

TEST(EncodeApiPrune, ThresholdIsQualityTimesDeviation) {
  const std::vector<float> w = {1, -1, 3, -3, 0, 2};  // mean 1/3, variance 4 - 1/9
  const double deviation = std::sqrt(4 - 1.0 / 9);
  Mask mask(6);
  for (const double quality : {0.0, 0.5, 0.6, 1.0, 1.1, 1.6}) {
    ASSERT_EQ(dcf_prune_by_deviation(w.data(), 6, quality, mask.data(), nullptr), DCF_OK);
    for (size_t i = 0; i < 6; ++i) {
      EXPECT_EQ(mask[i], w[i] != 0 && std::abs(w[i]) >= quality * deviation) << quality << " " << i;
    }
  }
}

struct PrunedNet {
  std::vector<std::vector<float>> weights;
  std::vector<double> scales;
  std::vector<Mask> masks;
  std::vector<dcf_prune_layer> layers;
};

PrunedNet make_net(std::vector<std::vector<float>> weights, std::vector<double> scales) {
  PrunedNet net{std::move(weights), std::move(scales), {}, {}};
  for (const auto& w : net.weights) net.masks.emplace_back(w.size(), 9);
  for (size_t i = 0; i < net.weights.size(); ++i) {
    net.layers.push_back({sizeof(dcf_prune_layer), net.weights[i].data(), net.weights[i].size(),
                          net.scales[i], net.masks[i].data()});
  }
  return net;
}

dcf_status prune(PrunedNet* net, double sparsity) {
  return dcf_prune_global(net->layers.data(), net->layers.size(), sparsity, nullptr);
}

// The definition: sort everything by scaled magnitude, then layer, then index.
std::vector<Mask> sorted_prune(const PrunedNet& net, double sparsity) {
  std::vector<std::tuple<double, size_t, size_t>> all;
  std::vector<Mask> masks;
  for (size_t l = 0; l < net.weights.size(); ++l) {
    masks.emplace_back(net.weights[l].size());
    for (size_t i = 0; i < net.weights[l].size(); ++i) {
      all.emplace_back(net.scales[l] * std::abs(static_cast<double>(net.weights[l][i])), l, i);
    }
  }
  std::sort(all.begin(), all.end());
  const auto count = static_cast<size_t>(std::round(sparsity * static_cast<double>(all.size())));
  for (size_t i = count; i < all.size(); ++i) {
    const auto [key, l, index] = all[i];
    masks[l][index] = key != 0;
  }
  return masks;
}

TEST(EncodeApiPrune, GlobalIsTheSortOfAllLayers) {
  std::mt19937 random(2);
  for (int round = 0; round < 50; ++round) {
    auto coarse = normal_weights(random() % 200, static_cast<uint32_t>(random()));
    for (float& w : coarse) w = std::round(4 * w) / 4;  // ties, and zeros
    PrunedNet net = make_net({normal_weights(100, 3), coarse, {}, coarse}, {1, 1e-3, 1, 2});
    for (const double sparsity : {0.0, 0.25, 0.5, 0.9, 0.99, 0.9999}) {
      ASSERT_EQ(prune(&net, sparsity), DCF_OK);
      ASSERT_EQ(net.masks, sorted_prune(net, sparsity)) << sparsity;
    }
  }
}

TEST(EncodeApiPrune, GlobalTiesGoByLayerThenIndex) {
  PrunedNet net = make_net({{1, 2, 1}, {-1, 1}}, {1, 1});
  ASSERT_EQ(prune(&net, 0.6), DCF_OK);
  EXPECT_EQ(net.masks, (std::vector<Mask>{{0, 1, 0}, {0, 1}}));
}

TEST(EncodeApiPrune, OneLayerIsDcfPrune) {
  for (const double sparsity : {0.0, 0.3, 0.97}) {
    PrunedNet net = make_net({normal_weights(5000, 4)}, {1});
    ASSERT_EQ(prune(&net, sparsity), DCF_OK);
    EXPECT_EQ(net.masks[0], prune(net.weights[0], sparsity));
  }
}

TEST(EncodeApiPrune, ExtremesOfFloatAndScaleStayApart) {
  const float least = std::numeric_limits<float>::denorm_min();
  const float greatest = std::numeric_limits<float>::max();
  PrunedNet net = make_net({{least, 2 * least, greatest}, {greatest, least}}, {1e30, 1e-30});
  ASSERT_EQ(prune(&net, 0.6), DCF_OK);
  EXPECT_EQ(net.masks, sorted_prune(net, 0.6));
  PrunedNet nothing = make_net({}, {});
  EXPECT_EQ(prune(&nothing, 0.5), DCF_OK);
}

// A caller of a later version has longer structs: they are stepped over by their own size.
TEST(EncodeApiPrune, LayersMayBeLongerThanTheLibraryKnows) {
  struct Longer {
    dcf_prune_layer layer;
    double later[3];
  };
  const std::vector<float> w = {1, 2, 3, 4};
  Mask a(2, 9), b(2, 9);
  std::vector<Longer> layers = {{{sizeof(Longer), w.data(), 2, 1, a.data()}, {}},
                                {{sizeof(Longer), w.data() + 2, 2, 1, b.data()}, {}}};
  ASSERT_EQ(dcf_prune_global(&layers[0].layer, 2, 0.25, nullptr), DCF_OK);
  EXPECT_EQ(a, (Mask{0, 1}));
  EXPECT_EQ(b, (Mask{1, 1}));
  layers[1].layer.struct_size = sizeof(dcf_prune_layer);
  EXPECT_EQ(dcf_prune_global(&layers[0].layer, 2, 0.25, nullptr), DCF_STATUS_INVALID_ARGUMENT);
}

bool is_positive_zero(float v) {
  return v == 0 && !std::signbit(v);
}

// Retraining moves every weight; what the mask removed stays +0, also through further pruning.
TEST(EncodeApiPrune, MasksHoldThroughRetraining) {
  auto w = normal_weights(2000, 5);
  Mask mask(w.size(), 1);
  for (uint64_t round = 1; round <= 8; ++round) {
    const Mask before = mask;
    mask = prune(w, 0.95 * static_cast<double>(round) / 8);
    for (size_t i = 0; i < w.size(); ++i) ASSERT_LE(mask[i], before[i]);
    for (uint32_t step = 0; step < 10; ++step) {
      const auto gradient = normal_weights(w.size(), static_cast<uint32_t>(round * 100 + step));
      for (size_t i = 0; i < w.size(); ++i) w[i] -= 0.05f * gradient[i];
      ASSERT_EQ(dcf_apply_mask(w.data(), mask.data(), w.size(), nullptr), DCF_OK);
      for (size_t i = 0; i < w.size(); ++i) {
        if (mask[i] == 0) ASSERT_TRUE(is_positive_zero(w[i]));
      }
    }
  }
  EXPECT_EQ(std::count(mask.begin(), mask.end(), 1), 100);
}

TEST(EncodeApiPrune, ApplyingAMaskLeavesOnlyPositiveZeros) {
  std::vector<float> w = {-1, -0.0f, NAN, 2, -3};
  const Mask mask = {0, 1, 0, 1, 255};
  ASSERT_EQ(dcf_apply_mask(w.data(), mask.data(), 5, nullptr), DCF_OK);
  EXPECT_EQ(w, (std::vector<float>{0, 0, 0, 2, -3}));
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(is_positive_zero(w[i])) << i;
}

}  // namespace
