// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace dcf::impl {

Parallel Parallel::of_handle(unsigned threads, ParallelFn host, void* host_ctx) {
  if (threads != 1 && (threads == 0 || host == nullptr)) {
    const unsigned processors = std::max(1u, std::thread::hardware_concurrency());
    threads = threads == 0 ? processors : std::min(threads, processors);
  }
  Parallel parallel{threads, host, host_ctx, nullptr};
  if (host == nullptr && threads > 1) parallel.pool = std::make_shared<ThreadPool>(threads - 1);
  return parallel;
}

void Parallel::run(size_t n, const std::function<void(size_t)>& task) const {
  const size_t workers = std::min<size_t>(threads, n);
  if (workers == 0) return;
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i; (i = next.fetch_add(1)) < n;) task(i);
  };
  if (host != nullptr) {
    // The host gets workers, not items: it may run all of them at once, and each needs memory.
    const auto call = [](void* arg, size_t) { (*static_cast<decltype(work)*>(arg))(); };
    host(host_ctx, workers, call, const_cast<void*>(static_cast<const void*>(&work)));
  } else if (workers == 1) {
    work();
  } else if (pool != nullptr) {
    pool->run(workers - 1, work);
  } else {
    ThreadPool(workers - 1).run(workers - 1, work);
  }
}

}  // namespace dcf::impl
