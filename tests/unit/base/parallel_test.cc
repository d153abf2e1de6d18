// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace dcf::impl {
namespace {

// Keeps a thread busy, so that others have the time to wake up.
void dawdle() {
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// With threads beyond those of of_handle(), however few processors there are.
Parallel pooled(unsigned threads) {
  Parallel parallel{threads};
  parallel.pool = std::make_shared<ThreadPool>(threads - 1);
  return parallel;
}

// The threads that ran the items of a loop.
std::set<std::thread::id> threads_of(const Parallel& parallel, size_t items) {
  std::mutex mutex;
  std::set<std::thread::id> ids;
  parallel.run(items, [&](size_t) {
    dawdle();
    const std::lock_guard lock(mutex);
    ids.insert(std::this_thread::get_id());
  });
  return ids;
}

TEST(Parallel, RunsEveryItemOnceForAnyNumberOfThreads) {
  for (const unsigned threads : {1u, 2u, 7u, 64u}) {
    for (const Parallel& parallel :
         {Parallel{threads}, pooled(threads), Parallel::of_handle(threads, nullptr, nullptr)}) {
      for (const size_t n : {0, 1, 2, 3, 1000}) {
        std::vector<std::atomic<int>> calls(n);
        parallel.run(n, [&](size_t i) { ++calls[i]; });
        for (const auto& c : calls) EXPECT_EQ(c, 1);
      }
    }
  }
}

TEST(Parallel, TheHostGetsNoMoreThanMayRunAtOnce) {
  int host_calls = 0;
  const auto host = [](void* ctx, size_t n, void (*task)(void*, size_t), void* arg) {
    ++*static_cast<int*>(ctx);
    EXPECT_EQ(n, 3u);
    for (size_t i = n; i-- > 0;) task(arg, i);
  };
  const Parallel parallel = Parallel::of_handle(3, host, &host_calls);
  EXPECT_EQ(parallel.pool, nullptr);
  size_t sum = 0;
  parallel.run(10, [&](size_t i) { sum += i; });
  EXPECT_EQ(sum, 45u);
  EXPECT_EQ(host_calls, 1);
}

void host_of_one(void*, size_t n, void (*task)(void*, size_t), void* arg) {
  for (size_t i = 0; i < n; ++i) task(arg, i);
}

TEST(Parallel, AHandleHasAThreadPerProcessorAndNoMoreOfItsOwn) {
  const unsigned processors = std::max(1u, std::thread::hardware_concurrency());
  EXPECT_EQ(Parallel::of_handle(0, nullptr, nullptr).width(), processors);
  EXPECT_EQ(Parallel::of_handle(processors + 7, nullptr, nullptr).width(), processors);
  EXPECT_EQ(Parallel::of_handle(1, nullptr, nullptr).width(), 1u);
  EXPECT_EQ(Parallel::of_handle(1, nullptr, nullptr).pool, nullptr);
  EXPECT_EQ(Parallel::of_handle(0, host_of_one, nullptr).width(), processors);
  EXPECT_EQ(Parallel::of_handle(processors + 7, host_of_one, nullptr).width(), processors + 7);
}

TEST(Parallel, CallsOfAHandleShareItsThreads) {
  const Parallel parallel = pooled(3);
  std::set<std::thread::id> all;
  for (int call = 0; call < 50; ++call) all.merge(threads_of(parallel, 6));
  EXPECT_LE(all.size(), 3u);
  EXPECT_GT(all.size(), 1u);
}

TEST(Parallel, ALoopHasNoMoreThreadsThanItsOwnWidth) {
  const Parallel all = pooled(8);
  threads_of(all, 100);  // starts them
  Parallel two = all;
  two.threads = 2;
  for (int call = 0; call < 20; ++call) EXPECT_LE(threads_of(two, 8).size(), 2u);
}

TEST(Parallel, LoopsInsideOfLoops) {
  const Parallel parallel = pooled(4);
  std::atomic<int> calls{0};
  parallel.run(20, [&](size_t) {
    parallel.run(20, [&](size_t) { parallel.run(5, [&](size_t) { ++calls; }); });
  });
  EXPECT_EQ(calls, 20 * 20 * 5);
}

TEST(Parallel, LoopsOfSeveralHostThreadsAtOnce) {
  const Parallel parallel = pooled(4);
  std::atomic<int> calls{0};
  std::vector<std::thread> hosts;
  for (int host = 0; host < 6; ++host) {
    hosts.emplace_back([&] {
      for (int call = 0; call < 200; ++call) parallel.run(9, [&](size_t) { ++calls; });
    });
  }
  for (std::thread& host : hosts) host.join();
  EXPECT_EQ(calls, 6 * 200 * 9);
}

// The exit status of a child that runs body(), or -1 for one that was killed.
template <typename Body>
int in_child(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);  // a child that hangs fails
    _exit(body() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Parallel, AForkedChildClosesAndComputesWithoutThreads) {
  auto parallel = std::make_unique<Parallel>(pooled(4));
  threads_of(*parallel, 20);
  EXPECT_EQ(in_child([&] {
              parallel.reset();
              return true;
            }),
            0);
  EXPECT_EQ(in_child([&] {
              size_t sum = 0;  // of one thread
              parallel->run(10, [&](size_t i) { sum += i; });
              parallel.reset();
              return sum == 45;
            }),
            0);
  EXPECT_GT(threads_of(*parallel, 50).size(), 1u);  // the parent goes on
}

TEST(Parallel, AChildOfAHandleThatHasNotStartedThreadsStartsItsOwn) {
  const Parallel parallel = pooled(4);
  EXPECT_EQ(in_child([&] { return threads_of(parallel, 50).size() > 1; }), 0);
}

}  // namespace
}  // namespace dcf::impl
