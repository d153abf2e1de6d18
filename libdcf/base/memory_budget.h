// SPDX-License-Identifier: Apache-2.0
// Memory that concurrent calls share. No call waits for memory, so that callbacks of the host may
// call the library again. A call that finds too little left fails, or runs fewer workers at once.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>

namespace dcf::impl {

// Bytes that one call needs: `once` for the whole call, and more for each worker that runs.
struct MemoryNeed {
  uint64_t once = 0;
  uint64_t each = 0;
};

// How many workers, at most `most`, may run where `available` bytes are left; 0 if not even one
// fits. Workers after the first share half of what is left, so that other calls find the rest.
inline uint64_t workers_within(uint64_t available, MemoryNeed need, uint64_t most) {
  if (need.once > available || need.each > available - need.once) return 0;
  const uint64_t left = available - need.once;
  return std::clamp(left / 2 / std::max<uint64_t>(need.each, 1), uint64_t{1},
                    std::max<uint64_t>(most, 1));
}

class MemoryShare;

// Thread-safe. Outlives its shares.
class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t bytes = 0) : total_(bytes), left_(bytes) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  // Sets the size of a budget that has no shares yet.
  void reset(uint64_t bytes) {
    total_ = bytes;
    left_ = bytes;
  }
  uint64_t total() const { return total_; }

  // A share for up to `most` workers, as workers_within() says; of no workers if none fit.
  MemoryShare take(MemoryNeed need, uint64_t most = 1);

 private:
  friend class MemoryShare;
  uint64_t total_;
  std::atomic<uint64_t> left_;
};

// Part of a budget, returned when this is destroyed.
class MemoryShare {
 public:
  MemoryShare() = default;
  MemoryShare(MemoryShare&& other) noexcept { *this = std::move(other); }
  MemoryShare& operator=(MemoryShare&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(need_, other.need_);
    std::swap(workers_, other.workers_);
    return *this;
  }
  ~MemoryShare() { release_workers(0); }

  // Workers that the share has memory for; 0 if too little was left.
  uint64_t workers() const { return workers_; }
  explicit operator bool() const { return workers_ != 0; }
  // Returns the memory of all workers to the budget, and keeps what the call took once.
  void keep_once() { release_workers(need_.once); }

 private:
  friend class MemoryBudget;
  void release_workers(uint64_t kept) {
    if (budget_ == nullptr) return;
    budget_->left_.fetch_add(need_.once + need_.each * workers_ - kept, std::memory_order_relaxed);
    need_ = {kept, 0};
    if (kept == 0) budget_ = nullptr;
  }

  MemoryBudget* budget_ = nullptr;
  MemoryNeed need_;
  uint64_t workers_ = 0;
};

inline MemoryShare MemoryBudget::take(MemoryNeed need, uint64_t most) {
  MemoryShare share;
  uint64_t left = left_.load(std::memory_order_relaxed);
  do {
    share.workers_ = workers_within(left, need, most);
    if (share.workers_ == 0) return share;
  } while (!left_.compare_exchange_weak(left, left - need.once - need.each * share.workers_,
                                        std::memory_order_relaxed));
  share.budget_ = this;
  share.need_ = need;
  return share;
}

}  // namespace dcf::impl
