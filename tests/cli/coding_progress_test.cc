// SPDX-License-Identifier: Apache-2.0
// How far a compression is told to be: what was read is not yet done.
#include "cli/coding_progress.h"

#include <gtest/gtest.h>

namespace dcf::tools::test {
namespace {

TEST(CodingProgress, WhatWasReadIsNotDone) {
  CodingProgress progress;
  progress.start("compressing", 1000, {});
  progress.read(400);
  EXPECT_EQ(progress.done(), 50u);
  progress.read(600);
  EXPECT_EQ(progress.done(), 125u);  // all is read, nothing coded
  EXPECT_EQ(CodingProgress::coded(&progress, 0, 400), 0);
  EXPECT_EQ(progress.done(), 125u);
  CodingProgress::coded(&progress, 200, 400);
  EXPECT_EQ(progress.done(), 300u);
  CodingProgress::coded(&progress, 400, 400);
  EXPECT_EQ(progress.done(), 475u);
  // The next call of the writer begins at 0.
  CodingProgress::coded(&progress, 0, 600);
  EXPECT_EQ(progress.done(), 475u);
  CodingProgress::coded(&progress, 600, 600);
  EXPECT_EQ(progress.done(), 1000u);
  progress.stop();
  CodingProgress::coded(&progress, 0, 5000);  // the file, which is not shown
}

}  // namespace
}  // namespace dcf::tools::test
