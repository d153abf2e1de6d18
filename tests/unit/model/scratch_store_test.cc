// SPDX-License-Identifier: Apache-2.0
// Scratch that a file keeps: it comes back, it is counted, and it makes room.
#include "model/scratch_store.h"

#include <gtest/gtest.h>

namespace dcf::impl::model {
namespace {

constexpr uint64_t kKiB = 1024;

TEST(ScratchStore, ScratchComesBackWithItsMemory) {
  MemoryBudget budget(1024 * kKiB);
  ScratchStore store(&budget);
  const uint8_t* place = nullptr;
  {
    const ScratchLoan loan(&store);
    EXPECT_EQ(loan.get()->memory(), 0);
    resize_scratch(&loan.get()->words, 32 * kKiB);
    place = loan.get()->words.data();
  }
  const ScratchLoan again(&store);
  EXPECT_EQ(again.get()->words.data(), place);
  const ScratchLoan other(&store);
  EXPECT_EQ(other.get()->memory(), 0);
}

TEST(ScratchStore, WhatIsKeptCountsUntilItIsCleared) {
  MemoryBudget budget(1024 * kKiB);
  ScratchStore store(&budget);
  {
    const ScratchLoan first(&store);
    const ScratchLoan second(&store);
    resize_scratch(&first.get()->words, 40 * kKiB);
    resize_scratch(&second.get()->numbers, 10 * kKiB);
    EXPECT_EQ(second.get()->memory(), 40 * kKiB);
  }
  EXPECT_FALSE(budget.take({945 * kKiB, 0}));
  EXPECT_TRUE(budget.take({944 * kKiB, 0}));
  store.clear();
  EXPECT_TRUE(budget.take({1024 * kKiB, 0}));
}

TEST(ScratchStore, WhatIsTooLargeOrHasNoRoomIsFreed) {
  const auto kept = [](uint64_t total, uint64_t taken, uint64_t bytes) {
    MemoryBudget budget(total);
    ScratchStore store(&budget);
    const MemoryShare share = budget.take({taken, 0});
    {
      const ScratchLoan loan(&store);
      resize_scratch(&loan.get()->words, bytes);
    }
    return ScratchLoan(&store).get()->memory() != 0;
  };
  EXPECT_TRUE(kept(1024 * kKiB, 0, 64 * kKiB));
  EXPECT_FALSE(kept(1024 * kKiB, 0, 64 * kKiB + 1));  // a sixteenth
  EXPECT_FALSE(kept(1024 * kKiB, 970 * kKiB, 60 * kKiB));
  EXPECT_TRUE(kept(1024 * 1024 * kKiB, 0, 4096 * kKiB));
  EXPECT_FALSE(kept(1024 * 1024 * kKiB, 0, 4096 * kKiB + 1));
}

}  // namespace
}  // namespace dcf::impl::model
