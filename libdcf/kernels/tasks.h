// SPDX-License-Identifier: Apache-2.0
// Parallel tasks that allocate memory. Tasks of Parallel must not throw; run_tasks() may.
#pragma once

#include <atomic>
#include <new>

#include "base/parallel.h"

namespace dcf::impl::kernels {

// Runs task(i) for every i in [0, n). If a task throws std::bad_alloc, throws it again when all
// tasks are done.
template <typename Task>
void run_tasks(const Parallel& parallel, size_t n, const Task& task) {
  std::atomic<bool> out_of_memory{false};
  parallel.run(n, [&](size_t i) {
    try {
      task(i);
    } catch (const std::bad_alloc&) {
      out_of_memory = true;
    }
  });
  if (out_of_memory) throw std::bad_alloc();
}

}  // namespace dcf::impl::kernels
