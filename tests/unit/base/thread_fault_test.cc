// SPDX-License-Identifier: Apache-2.0
// A machine that is out of threads: this program's pthread_create() fails where a test says so.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>

#include "base/parallel.h"

namespace {
std::atomic<int> threads_left{1 << 30};
std::atomic<int> refused{0};
}  // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*start)(void*), void* arg) {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto real = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  if (threads_left.fetch_sub(1) <= 0) {
    ++refused;
    return EAGAIN;
  }
  return real(thread, attributes, start, arg);
}

namespace dcf::impl {
namespace {

TEST(ThreadFault, AllItemsRunOnTheThreadsThatThereAre) {
  for (const bool pooled : {false, true}) {
    for (const int left : {0, 1, 3}) {
      Parallel parallel{8};
      if (pooled) parallel.pool = std::make_shared<ThreadPool>(7);
      threads_left = left;
      refused = 0;
      std::atomic<int> calls{0};
      for (int call = 0; call < 3; ++call) parallel.run(500, [&](size_t) { ++calls; });
      EXPECT_EQ(calls, 1500);
      if (left == 0) EXPECT_GT(refused, 0);
    }
  }
}

}  // namespace
}  // namespace dcf::impl
