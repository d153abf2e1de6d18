// SPDX-License-Identifier: Apache-2.0
#include "base/memory_budget.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace dcf::impl {
namespace {

TEST(MemoryBudget, WorkersAfterTheFirstShareHalfOfWhatIsLeft) {
  EXPECT_EQ(workers_within(100, {0, 101}, 8), 0u);
  EXPECT_EQ(workers_within(100, {1, 100}, 8), 0u);
  EXPECT_EQ(workers_within(100, {101, 0}, 8), 0u);
  EXPECT_EQ(workers_within(100, {0, 100}, 8), 1u);
  EXPECT_EQ(workers_within(100, {0, 25}, 8), 2u);
  EXPECT_EQ(workers_within(100, {50, 5}, 8), 5u);
  EXPECT_EQ(workers_within(1000, {0, 1}, 8), 8u);
  EXPECT_EQ(workers_within(100, {0, 0}, 8), 8u);
  EXPECT_EQ(workers_within(0, {0, 0}, 0), 1u);
  EXPECT_EQ(workers_within(UINT64_MAX, {UINT64_MAX, 1}, 1), 0u);
}

TEST(MemoryBudget, SharesAreReturnedOnce) {
  MemoryBudget budget(100);
  {
    MemoryShare first = budget.take({60, 0});
    EXPECT_TRUE(first);
    EXPECT_FALSE(budget.take({41, 0}));
    const MemoryShare moved = std::move(first);
    EXPECT_FALSE(budget.take({41, 0}));
    EXPECT_TRUE(budget.take({40, 0}));
  }
  MemoryShare all = budget.take({60, 10}, 4);
  EXPECT_EQ(all.workers(), 2u);
  all.keep_once();
  EXPECT_FALSE(budget.take({41, 0}));
  EXPECT_TRUE(budget.take({40, 0}));
  all = MemoryShare();
  EXPECT_TRUE(budget.take({100, 0}));
}

TEST(MemoryBudget, ThreadsNeverHoldMoreThanAll) {
  MemoryBudget budget(100);
  std::atomic<uint64_t> held{0};
  std::atomic<uint64_t> most{0};
  {
    std::vector<std::jthread> threads;
    for (uint64_t t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 20000; ++i) {
          const MemoryNeed need{t, 7};
          const MemoryShare share = budget.take(need, 5);
          if (!share) continue;
          const uint64_t bytes = need.once + need.each * share.workers();
          const uint64_t now = held += bytes;
          uint64_t seen = most;
          while (now > seen && !most.compare_exchange_weak(seen, now)) {
          }
          held -= bytes;
        }
      });
    }
  }
  EXPECT_LE(most, 100u);
  EXPECT_TRUE(budget.take({100, 0}));
}

}  // namespace
}  // namespace dcf::impl
