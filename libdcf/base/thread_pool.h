// SPDX-License-Identifier: Apache-2.0
// Threads that wait for work. A pool belongs to one handle of the library (an open file, a layer, a
// writer), whose parallel loops share it. The first loops that need threads start them; they sleep
// between loops without using the processor, and end with the pool.
//
// Threads: run() may be called by any number of threads at once, and from inside work that the pool
// runs. The calling thread always works too, so no call waits for a free thread.
//
// fork(): the child has none of the threads. There run() uses the calling thread alone, and the
// destructor returns at once. Neither is safe if another thread was inside run() at the fork.
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
  // The most threads of the pool, besides those that call run(). Starts none.
  explicit ThreadPool(size_t threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  // No run() may be in progress.
  ~ThreadPool();

  // Runs `work` on the calling thread and, as they wake up, on at most `helpers` threads of the
  // pool; returns when all calls have returned. `work` returns when nothing is left to begin; it
  // must not throw. If the machine is out of threads, or of memory for them, fewer help, or none.
  void run(size_t helpers, const std::function<void()>& work);

 private:
  struct Job {
    const std::function<void()>& work;
    size_t wanted;      // threads that may still join
    size_t inside = 0;  // threads of the pool that are running it
    Job* next = nullptr;
    pthread_cond_t left = PTHREAD_COND_INITIALIZER;  // `inside` became 0
  };

  static void* start(void* pool);
  void serve();
  // Called with the mutex held:
  void push(Job* job);
  void remove(const Job* job);
  Job* find_job() const;
  void invite();
  bool forked() const;

  const size_t most_;
  // Not std::condition_variable: in a forked child its destructor would wait for threads of the
  // parent for ever.
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t wake_ = PTHREAD_COND_INITIALIZER;
  std::vector<pthread_t> threads_;
  size_t idle_ = 0;      // threads that wait for a job
  Job* jobs_ = nullptr;  // jobs that threads can join, the oldest first
  bool stop_ = false;
  std::atomic<pid_t> owner_{0};  // the process that started threads
};

}  // namespace dcf::impl
