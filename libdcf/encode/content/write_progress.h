// SPDX-License-Identifier: Apache-2.0
// Reports of one call of the writer to the caller's callback, who may cancel the call. Belongs to
// the thread of the call.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/status.h"

namespace dcf::impl::encode {

// Shaped like dcf_progress_fn of dcf/dcf.h: nonzero cancels.
using ProgressFn = int (*)(void* ctx, uint64_t done, uint64_t total);

class Progress {
 public:
  Progress() = default;
  Progress(ProgressFn callback, void* ctx) : callback_(callback), ctx_(ctx) {}

  // Starts a call of `total` units.
  Status begin(uint64_t total) {
    done_ = 0;
    total_ = total;
    return poll();
  }
  // Cancelled if the callback asks for it. `done` never falls and stays within the total.
  Status update(uint64_t done) {
    done_ = std::clamp(done, done_, total_);
    return poll();
  }
  // Reports again without progress, so that the caller can cancel.
  Status poll() const {
    if (callback_ == nullptr || callback_(ctx_, done_, total_) == 0) return ok_status();
    return fail(Code::Cancelled, "", "the caller's callback asked to stop");
  }
  // Moves on by a part, `made` of `all`, of three quarters of the way from `from` to the end: the
  // rest is for the work that follows.
  Status update_part(uint64_t from, uint64_t made, uint64_t all) {
    const double way = 0.75 * static_cast<double>(total_ - from);
    return update(
        from + static_cast<uint64_t>(way * static_cast<double>(made) / static_cast<double>(all)));
  }
  uint64_t done() const { return done_; }
  uint64_t total() const { return total_; }

 private:
  ProgressFn callback_ = nullptr;
  void* ctx_ = nullptr;
  uint64_t done_ = 0;
  uint64_t total_ = 0;
};

}  // namespace dcf::impl::encode
