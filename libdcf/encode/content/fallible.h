// SPDX-License-Identifier: Apache-2.0
// Parallel loops whose items can fail. Tasks of Parallel must not throw, and most of the encoder's
// allocate memory.
#pragma once

#include <atomic>
#include <mutex>
#include <new>

#include "base/parallel.h"
#include "base/status.h"

namespace dcf::impl::encode {

// Calls body(i) -> Status for the items of [0, n). After a failure the items above it may be
// skipped. Returns the failure of the lowest item. std::bad_alloc becomes OutOfMemory.
template <typename Body>
Status run_fallible(const Parallel& parallel, size_t n, Body body) {
  std::mutex mutex;
  std::atomic<size_t> failed{n};
  Status failure;
  parallel.run(n, [&](size_t i) {
    if (i > failed.load(std::memory_order_relaxed)) return;
    Status s;
    try {
      s = body(i);
    } catch (const std::bad_alloc&) {
      s = fail(Code::OutOfMemory, "", "the machine is out of memory");
    }
    if (s.ok()) return;
    const std::lock_guard lock(mutex);
    if (i < failed.load()) {
      failed = i;
      failure = s;
    }
  });
  return failure;
}

}  // namespace dcf::impl::encode
