// SPDX-License-Identifier: Apache-2.0
// Pooling against the plain loops, and what is refused.
#include "kernels/pool2d.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace dcf::impl::kernels {
namespace {

std::vector<float> expected(const Pool2d& p, const std::vector<float>& x, uint64_t batch) {
  std::vector<float> y;
  for (uint64_t i = 0; i < batch * p.channels; ++i) {
    for (uint64_t oy = 0; oy < p.y.out; ++oy) {
      for (uint64_t ox = 0; ox < p.x.out; ++ox) {
        float best = -std::numeric_limits<float>::infinity();
        double sum = 0;
        for (uint64_t k = 0; k < p.y.kernel * p.x.kernel; ++k) {
          const uint64_t iy = oy * p.y.stride + k / p.x.kernel - p.y.pad;
          const uint64_t ix = ox * p.x.stride + k % p.x.kernel - p.x.pad;
          if (iy >= p.y.size || ix >= p.x.size) continue;
          const float v = x[(i * p.y.size + iy) * p.x.size + ix];
          best = std::max(best, v);
          sum += static_cast<double>(v);
        }
        const double area = static_cast<double>(p.y.kernel * p.x.kernel);
        y.push_back(p.kind == PoolKind::kMax ? best : static_cast<float>(sum / area));
      }
    }
  }
  return y;
}

std::vector<float> run(Pool2d* p, const std::vector<float>& x, uint64_t batch) {
  EXPECT_TRUE(p->complete().ok());
  std::vector<float> y(batch * p->out_size, 99);
  pool(*p, x, batch, y);
  return y;
}

TEST(Pool2d, RandomShapes) {
  std::mt19937_64 random(3);
  const auto pick = [&](uint64_t low, uint64_t high) { return low + random() % (high - low + 1); };
  std::normal_distribution<float> normal(-3);  // mostly negative: padding must not win
  for (int round = 0; round < 500; ++round) {
    Pool2d p;
    p.kind = round % 2 == 0 ? PoolKind::kMax : PoolKind::kAverage;
    p.channels = pick(0, 3);
    for (Axis* axis : {&p.y, &p.x}) {
      *axis = {.size = pick(1, 9), .kernel = pick(1, 4), .stride = pick(1, 4)};
      axis->pad = pick(0, axis->kernel / 2);
      while (axis->size + 2 * axis->pad < axis->kernel) ++axis->size;
    }
    const uint64_t batch = pick(0, 3);
    std::vector<float> x(batch * p.channels * p.y.size * p.x.size);
    for (float& v : x) v = normal(random);
    const std::vector<float> y = run(&p, x, batch);
    EXPECT_EQ(y, expected(p, x, batch)) << round;
  }
}

TEST(Pool2d, NanIsTheMaximumAndRoundingHappensOnce) {
  Pool2d p;
  p.channels = 1;
  p.y = {.size = 1};
  p.x = {.size = 3, .kernel = 3};
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::vector<float>& x : {std::vector<float>{nan, 1, 2}, {1, nan, 2}, {1, 2, nan}}) {
    EXPECT_TRUE(std::isnan(run(&p, x, 1)[0]));
  }
  p.kind = PoolKind::kAverage;
  EXPECT_EQ(run(&p, {1e8F, 1, -1e8F}, 1)[0], 1.0F / 3);
}

TEST(Pool2d, RefusesWhatDoesNotFit) {
  Pool2d good;
  good.channels = 2;
  good.y = {.size = 4, .kernel = 2, .stride = 2};
  good.x = {.size = 4, .kernel = 2, .stride = 2};
  ASSERT_TRUE(Pool2d(good).complete().ok());
  const auto refused = [&](auto change) {
    Pool2d p = good;
    change(&p);
    return p.complete().code == Code::InvalidArgument;
  };
  EXPECT_TRUE(refused([](Pool2d* p) { p->y.kernel = 0; }));
  EXPECT_TRUE(refused([](Pool2d* p) { p->y.kernel = 5; }));
  EXPECT_TRUE(refused([](Pool2d* p) { p->x.stride = 0; }));
  EXPECT_TRUE(refused([](Pool2d* p) { p->x.pad = 2; }));
  EXPECT_TRUE(refused([](Pool2d* p) { p->x.dilation = 2; }));
  EXPECT_TRUE(refused([](Pool2d* p) { p->x.size = 0, p->x.pad = 1; }));
  for (const uint64_t n : {UINT64_MAX, UINT64_MAX / 2, uint64_t{1} << 32}) {
    EXPECT_TRUE(refused([&](Pool2d* p) { p->y.size = n, p->x.size = n; }));
    EXPECT_TRUE(refused([&](Pool2d* p) { p->y.size = n / 4, p->channels = n; }));
    EXPECT_TRUE(
        refused([&](Pool2d* p) { p->y.kernel = p->y.size = n, p->x.kernel = p->x.size = n; }));
  }
}

}  // namespace
}  // namespace dcf::impl::kernels
