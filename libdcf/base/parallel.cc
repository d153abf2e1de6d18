// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace dcf::impl {

unsigned Parallel::width() const {
  if (threads != 0) return threads;
  return std::max(1u, std::thread::hardware_concurrency());
}

void Parallel::run(size_t n, const std::function<void(size_t)>& task) const {
  const size_t workers = std::min<size_t>(width(), n);
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i; (i = next.fetch_add(1)) < n;) task(i);
  };
  if (host != nullptr) {
    // The host gets workers, not items: it may run all it gets at once, and each takes memory.
    const auto call = [](void* arg, size_t) { (*static_cast<decltype(work)*>(arg))(); };
    host(host_ctx, workers, call, const_cast<void*>(static_cast<const void*>(&work)));
    return;
  }
  std::vector<std::jthread> pool;
  for (size_t i = 1; i < workers; ++i) {
    // A host that is out of threads gets the work done on the ones it has.
    try {
      pool.emplace_back(work);
    } catch (const std::system_error&) {
      break;
    }
  }
  work();
}

}  // namespace dcf::impl
