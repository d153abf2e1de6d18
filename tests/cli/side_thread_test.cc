// SPDX-License-Identifier: Apache-2.0
#include "cli/side_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>

namespace dcf::tools::test {
namespace {

TEST(SideThread, DoesOneJobAfterTheOther) {
  SideThread side;
  side.wait();  // nothing to wait for
  std::string order;
  const std::thread::id own = std::this_thread::get_id();
  std::thread::id other;
  side.start([&] { order += 'a', other = std::this_thread::get_id(); });
  side.start([&] { order += other == std::this_thread::get_id() ? 'b' : '?'; });
  side.wait();
  EXPECT_EQ(order, "ab");
  EXPECT_NE(own, other);
}

TEST(SideThread, HandsOnAFailureOnce) {
  SideThread side;
  side.start([] { throw std::runtime_error("first"); });
  EXPECT_THROW(side.wait(), std::runtime_error);
  side.wait();
  side.start([] { throw std::runtime_error("second"); });
  bool third = false;
  EXPECT_THROW(side.start([&] { third = true; }), std::runtime_error);
  side.wait();
  EXPECT_FALSE(third);
}

TEST(SideThread, WaitsForItsJobWhenItGoes) {
  std::atomic<bool> done{false};
  {
    SideThread side;
    side.start([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      done = true;
    });
  }
  EXPECT_TRUE(done);
  {
    SideThread side;
    side.start([] { throw std::runtime_error("lost"); });
  }
}

}  // namespace
}  // namespace dcf::tools::test
