// SPDX-License-Identifier: Apache-2.0
#include "base/running_sum.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "base/parallel.h"

namespace dcf::impl {
namespace {

TEST(RunningSum, EachItemGetsTheSumOfThoseBefore) {
  for (const unsigned threads : {1u, 2u, 7u}) {
    constexpr size_t kItems = 1000;
    RunningSum sums;
    std::vector<uint64_t> before(kItems, ~uint64_t{0});
    std::atomic<size_t> added{0};
    Parallel{threads}.run(kItems, [&](size_t item) {
      RunningSum::Turn turn(&sums, item);
      added += turn.add(item, &before[item]);
    });
    EXPECT_EQ(added, kItems);
    for (size_t item = 0; item < kItems; ++item) {
      ASSERT_EQ(before[item], item * (item - 1) / 2) << item << " of " << threads << " threads";
    }
  }
}

TEST(RunningSum, NoItemWaitsForOneThatFailed) {
  RunningSum sums;
  std::atomic<size_t> added{0};
  Parallel{4}.run(100, [&](size_t item) {
    RunningSum::Turn turn(&sums, item);
    if (item == 50) return;
    uint64_t before = 0;
    added += turn.add(1, &before);
  });
  EXPECT_LE(added, 50u);
}

}  // namespace
}  // namespace dcf::impl
