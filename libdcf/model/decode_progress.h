// SPDX-License-Identifier: Apache-2.0
// The progress of a call, and its cancellation by the caller.
#pragma once

#include <algorithm>
#include <functional>
#include <mutex>

#include "base/status.h"

namespace dcf::impl::model {

// Receives the encoded bytes that are done and those of the whole call; false cancels the call.
using ProgressStep = std::function<bool(uint64_t done, uint64_t total)>;

// Calls a step from one thread at a time, and never again after it has cancelled. An empty step
// costs nothing. If more bytes are read than the total says, `done` stays at the total.
class DecodeProgress {
 public:
  // The step is called where `grain` bytes more are done than at its last call, and at the total.
  explicit DecodeProgress(ProgressStep step = {}, uint64_t total = 0, uint64_t grain = 0)
      : step_(std::move(step)), total_(total), grain_(grain) {}

  // Cancelled once the caller has cancelled, and ever after.
  Status add(uint64_t bytes) {
    if (!step_) return ok_status();
    const std::lock_guard lock(mutex_);
    if (!cancelled_) {
      done_ = std::min(total_, done_ + bytes);
      if (done_ - told_ >= grain_ || done_ == total_) {
        told_ = done_;
        cancelled_ = !step_(done_, total_);
      }
    }
    return cancelled_ ? fail(Code::Cancelled, "", "the caller asked to stop") : ok_status();
  }

 private:
  ProgressStep step_;
  uint64_t total_;
  uint64_t grain_;
  std::mutex mutex_;
  uint64_t done_ = 0;
  uint64_t told_ = 0;
  bool cancelled_ = false;
};

}  // namespace dcf::impl::model
