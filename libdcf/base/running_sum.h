// SPDX-License-Identifier: Apache-2.0
// Where the output of each item of a parallel loop starts, if the size of an item is known only
// once it is done. Items start in ascending order (base/parallel.h), so each can wait for those
// before it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace dcf::impl {

class RunningSum {
 public:
  // One item's turn. An item that ends without add() has failed, and then no item waits any more.
  class Turn {
   public:
    Turn(RunningSum* sums, size_t item) : sums_(sums), item_(item) {}
    ~Turn() {
      if (!added_) sums_->abandon();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    // Waits for the items before, adds `count`, and gives their sum. False: one of them failed.
    bool add(uint64_t count, uint64_t* before) {
      added_ = sums_->add(item_, count, before);
      return added_;
    }

   private:
    RunningSum* sums_;
    size_t item_;
    bool added_ = false;
  };

 private:
  bool add(size_t item, uint64_t count, uint64_t* before) {
    std::unique_lock lock(mutex_);
    turned_.wait(lock, [&] { return next_ == item || abandoned_; });
    if (next_ != item) return false;
    *before = sum_;
    sum_ += count;
    ++next_;
    turned_.notify_all();
    return true;
  }
  void abandon() {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    turned_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable turned_;
  size_t next_ = 0;
  uint64_t sum_ = 0;
  bool abandoned_ = false;
};

}  // namespace dcf::impl
