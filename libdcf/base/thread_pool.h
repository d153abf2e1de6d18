// SPDX-License-Identifier: Apache-2.0
// Threads that wait for work. A pool belongs to one handle of the library (an open file, a layer, a
// writer), whose parallel loops share it: threads are started by the first loops that need them,
// sleep in between without using the processor, and end with the pool.
//
// Threads: run() may be called by any number of threads at once, and from inside of work that the
// pool runs. The thread that calls always works itself, so no call waits for a free thread.
//
// fork(): the child has none of the threads. There run() works on the calling thread alone, and the
// destructor returns at once. Neither is safe if another thread was inside of run() at the fork.
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <vector>

namespace dcf::impl {

class ThreadPool {
 public:
  // At most so many threads beside those that call. Starts none.
  explicit ThreadPool(size_t threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  // No run() may be under way.
  ~ThreadPool();

  // Runs `work` on the calling thread and, as they wake up, on at most `helpers` threads of the
  // pool; returns when all calls have returned. `work` returns when nothing is left to begin; it
  // must not throw. Where the machine is out of threads or memory for them, fewer help, or none.
  void run(size_t helpers, const std::function<void()>& work);

 private:
  struct Job {
    const std::function<void()>& work;
    size_t wanted;      // threads that may still join
    size_t inside = 0;  // threads of the pool that run it
    Job* next = nullptr;
    pthread_cond_t left = PTHREAD_COND_INITIALIZER;  // `inside` became 0
  };

  static void* start(void* pool);
  void serve();
  // All with the mutex held:
  void push(Job* job);
  void remove(const Job* job);
  Job* find_job() const;
  void invite();
  bool forked() const;

  const size_t most_;
  // Not std::: destroying a condition that threads of the parent waited for hangs a forked child.
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t wake_ = PTHREAD_COND_INITIALIZER;
  std::vector<pthread_t> threads_;
  size_t idle_ = 0;      // threads that wait for a job
  Job* jobs_ = nullptr;  // that can be joined, the oldest first
  bool stop_ = false;
  std::atomic<pid_t> owner_{0};  // the process that started threads
};

}  // namespace dcf::impl
