// SPDX-License-Identifier: Apache-2.0
// Parallel loops over independent work items. The host may replace the threads (dcf_parallel_fn);
// results never depend on how many run.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "base/thread_pool.h"

namespace dcf::impl {

// Same contract as dcf_parallel_fn in dcf/dcf.h.
using ParallelFn = void (*)(void* ctx, size_t n, void (*task)(void* arg, size_t i), void* arg);

struct Parallel {
  unsigned threads = 1;       // upper bound on tasks in flight at once, at least 1
  ParallelFn host = nullptr;  // NULL: threads of the library
  void* host_ctx = nullptr;
  // The threads of the handle, shared by all copies of this. NULL: each run() starts and ends its
  // own.
  std::shared_ptr<ThreadPool> pool;

  // For a handle. `threads` of 0 is one per processor. The library's own threads are never more
  // than that, because more would only take time and memory from each other. Processors are counted
  // here and never again. The pool starts no thread before a loop needs one.
  static Parallel of_handle(unsigned threads, ParallelFn host, void* host_ctx);

  unsigned width() const { return threads; }
  // Calls task(i) for every i in [0, n) and returns when all are done. Items start in ascending
  // order. The task must not throw.
  void run(size_t n, const std::function<void(size_t)>& task) const;
};

}  // namespace dcf::impl
