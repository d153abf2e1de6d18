// SPDX-License-Identifier: Apache-2.0
// Dead units are folded away without changing what two layers compute.
#include <dcf/dcf_encode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace {

using Floats = std::vector<float>;

// Layer 1 gives every unit a value at each of `side` x `side` places (inputs differ by place);
// layer 2 reads kernels of `kernel` x `kernel` without padding. side = kernel = 1: two linear
// layers; side = kernel > 1: a convolution flattened into a linear layer.
struct Net {
  size_t units, inputs, outputs, side, kernel;
  bool relu;
  Floats w1, bias1, w2, bias2;

  size_t span() const { return kernel * kernel; }
  dcf_dead_units view() {
    return {sizeof(dcf_dead_units), w1.data(), bias1.data(), units, inputs, relu, w2.data(),
            bias2.data(),           outputs,   span()};
  }
  size_t fold() {
    const dcf_dead_units layers = view();
    size_t dead = 999;
    EXPECT_EQ(dcf_fold_dead_units(&layers, &dead, nullptr), DCF_OK);
    return dead;
  }

  // x: side * side places of `inputs` numbers.
  std::vector<double> run(const std::vector<double>& x) const {
    const auto hidden = [&](size_t unit, size_t place) {
      double sum = bias1[unit];
      for (size_t i = 0; i < inputs; ++i) sum += w1[unit * inputs + i] * x[place * inputs + i];
      return relu ? std::max(sum, 0.0) : sum;
    };
    std::vector<double> y;
    const size_t places = side - kernel + 1;
    for (size_t o = 0; o < outputs; ++o) {
      for (size_t at = 0; at < places * places; ++at) {
        double sum = bias2[o];
        for (size_t unit = 0; unit < units; ++unit) {
          for (size_t k = 0; k < span(); ++k) {
            const size_t row = at / places + k / kernel, col = at % places + k % kernel;
            sum += w2[(o * units + unit) * span() + k] * hidden(unit, row * side + col);
          }
        }
        y.push_back(sum);
      }
    }
    return y;
  }
};

Floats random_floats(size_t n, std::mt19937* random) {
  std::normal_distribution<float> normal;
  Floats values(n);
  for (float& v : values) v = normal(*random);
  return values;
}

void kill_row(Net* net, size_t unit) {
  std::fill_n(net->w1.begin() + unit * net->inputs, net->inputs, -0.0f);
}

void kill_readers(Net* net, size_t unit) {
  for (size_t o = 0; o < net->outputs; ++o) {
    std::fill_n(net->w2.begin() + (o * net->units + unit) * net->span(), net->span(), 0.0f);
  }
}

Net random_net(size_t side, size_t kernel, bool relu, std::mt19937* random) {
  Net net{9, 7, 5, side, kernel, relu, {}, {}, {}, {}};
  net.w1 = random_floats(net.units * net.inputs, random);
  net.bias1 = random_floats(net.units, random);
  net.w2 = random_floats(net.outputs * net.units * net.span(), random);
  net.bias2 = random_floats(net.outputs, random);
  return net;
}

bool plus_zero(float v) {
  return v == 0 && !std::signbit(v);
}

bool gone(const Net& net, size_t unit) {
  bool all = plus_zero(net.bias1[unit]);
  for (size_t i = 0; i < net.inputs; ++i) all &= plus_zero(net.w1[unit * net.inputs + i]);
  for (size_t o = 0; o < net.outputs; ++o) {
    for (size_t k = 0; k < net.span(); ++k) {
      all &= plus_zero(net.w2[(o * net.units + unit) * net.span() + k]);
    }
  }
  return all;
}

TEST(EncodeApiDeadUnits, TheFunctionStays) {
  std::mt19937 random(1);
  struct Shape {
    size_t side, kernel;
  };
  for (const Shape shape : {Shape{1, 1}, Shape{5, 3}, Shape{4, 4}}) {
    for (const bool relu : {false, true}) {
      for (int round = 0; round < 20; ++round) {
        Net net = random_net(shape.side, shape.kernel, relu, &random);
        kill_row(&net, 0);
        kill_row(&net, 4);
        net.bias1[0] = std::abs(net.bias1[0]);  // of both signs
        net.bias1[4] = -std::abs(net.bias1[4]);
        kill_readers(&net, 7);
        kill_row(&net, 8);
        kill_readers(&net, 8);
        const Net before = net;
        ASSERT_EQ(net.fold(), 4u);
        for (size_t unit = 0; unit < net.units; ++unit) {
          const bool dead = unit == 0 || unit == 4 || unit >= 7;
          ASSERT_EQ(gone(net, unit), dead) << unit;
        }
        const Floats x = random_floats(shape.side * shape.side * net.inputs, &random);
        const std::vector<double> input(x.begin(), x.end());
        const auto was = before.run(input), is = net.run(input);
        for (size_t i = 0; i < was.size(); ++i) {
          ASSERT_NEAR(is[i], was[i], 1e-6 * std::max(1.0, std::abs(was[i])) * 4) << i;
        }
        ASSERT_NE(before.bias2, net.bias2);
        const Floats bias2 = net.bias2;
        ASSERT_EQ(net.fold(), 4u) << "the same again";
        ASSERT_EQ(net.bias2, bias2);
      }
    }
  }
}

TEST(EncodeApiDeadUnits, LivingUnitsAreUntouched) {
  std::mt19937 random(2);
  Net net = random_net(3, 2, true, &random);
  net.w1[3] = -0.0f;
  const Net before = net;
  EXPECT_EQ(net.fold(), 0u);
  EXPECT_EQ(net.w1, before.w1);
  EXPECT_TRUE(std::signbit(net.w1[3]));
  EXPECT_EQ(net.bias2, before.bias2);
}

TEST(EncodeApiDeadUnits, ByHand) {
  // Unit 0 is the constant 2; unit 1 the constant -3, which a ReLU makes 0.
  for (const bool relu : {true, false}) {
    Net net{2, 1, 1, 1, 1, relu, {0, 0}, {2, -3}, {10, 100}, {0.5f}};
    EXPECT_EQ(net.fold(), 2u);
    EXPECT_EQ(net.bias2, (Floats{relu ? 20.5f : 20.5f - 300}));
  }
}

// Three layers: what dies in the second pair kills a unit of the first, in a second round.
TEST(EncodeApiDeadUnits, RoundsOverAllPairsReachAFixedPoint) {
  Floats w1 = {1}, b1 = {1}, w2 = {5}, b2 = {1}, w3 = {0}, b3 = {1};
  const dcf_dead_units pairs[] = {
      {sizeof(dcf_dead_units), w1.data(), b1.data(), 1, 1, 1, w2.data(), b2.data(), 1, 1},
      {sizeof(dcf_dead_units), w2.data(), b2.data(), 1, 1, 1, w3.data(), b3.data(), 1, 1}};
  const auto round = [&] {
    size_t first, second;
    EXPECT_EQ(dcf_fold_dead_units(&pairs[0], &first, nullptr), DCF_OK);
    EXPECT_EQ(dcf_fold_dead_units(&pairs[1], &second, nullptr), DCF_OK);
    return std::pair(first, second);
  };
  EXPECT_EQ(round(), std::pair(size_t{0}, size_t{1}));
  EXPECT_EQ(round(), std::pair(size_t{1}, size_t{1}));
  EXPECT_EQ(round(), std::pair(size_t{1}, size_t{1}));
  EXPECT_EQ(w1, Floats{0});
}

TEST(EncodeApiDeadUnits, WithoutBiases) {
  std::mt19937 random(3);
  Net net = random_net(1, 1, true, &random);
  kill_row(&net, 2);
  dcf_dead_units layers = net.view();
  layers.bias1 = nullptr;
  size_t dead;
  const Floats bias2 = net.bias2;
  EXPECT_EQ(dcf_fold_dead_units(&layers, &dead, nullptr), DCF_OK);
  EXPECT_EQ(net.bias2, bias2) << "the constant is 0";
  layers.bias2 = nullptr;
  EXPECT_EQ(dcf_fold_dead_units(&layers, nullptr, nullptr), DCF_OK);
  layers.bias1 = net.bias1.data();
  EXPECT_EQ(dcf_fold_dead_units(&layers, &dead, nullptr), DCF_STATUS_INVALID_ARGUMENT)
      << "nowhere to fold";
}

TEST(EncodeApiDeadUnits, ABiasThatOverflowsChangesNothing) {
  Net net{1, 1, 1, 1, 1, true, {0}, {3e38f}, {2}, {0}};
  const dcf_dead_units layers = net.view();
  EXPECT_EQ(dcf_fold_dead_units(&layers, nullptr, nullptr), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(net.bias1, Floats{3e38f});
  EXPECT_EQ(net.w2, Floats{2});
}

TEST(EncodeApiDeadUnits, SizesThatWrapAreRefused) {
  Net net{1, 1, 1, 1, 1, true, {0}, {1}, {2}, {0}};
  dcf_dead_units layers = net.view();
  layers.units = uint64_t{1} << 33;
  layers.inputs = uint64_t{1} << 33;
  EXPECT_EQ(dcf_fold_dead_units(&layers, nullptr, nullptr), DCF_STATUS_INVALID_ARGUMENT);
  layers = net.view();
  layers.span = UINT64_MAX;
  EXPECT_EQ(dcf_fold_dead_units(&layers, nullptr, nullptr), DCF_STATUS_INVALID_ARGUMENT);
  layers.units = 0;
  EXPECT_EQ(dcf_fold_dead_units(&layers, nullptr, nullptr), DCF_OK) << "no units at all";
}

}  // namespace
