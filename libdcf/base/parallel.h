// SPDX-License-Identifier: Apache-2.0
// Parallel loops over independent work items. The host may replace the threads (dcf_parallel_fn);
// results never depend on how many run.
#pragma once

#include <cstddef>
#include <functional>

namespace dcf::impl {

// Same meaning as dcf_parallel_fn in dcf/dcf.h.
using ParallelFn = void (*)(void* ctx, size_t n, void (*task)(void* arg, size_t i), void* arg);

struct Parallel {
  unsigned threads = 0;       // 0: one per processor
  ParallelFn host = nullptr;  // NULL: own threads
  void* host_ctx = nullptr;

  // Upper bound on tasks in flight at once, at least 1.
  unsigned width() const;
  // Calls task(i) for every i in [0, n) and returns when all are done. Items start in ascending
  // order. The task must not throw.
  void run(size_t n, const std::function<void(size_t)>& task) const;
};

}  // namespace dcf::impl
