// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <unistd.h>

#include <new>

namespace dcf::impl {
namespace {

class Lock {
 public:
  explicit Lock(pthread_mutex_t* mutex) : mutex_(mutex) { pthread_mutex_lock(mutex_); }
  ~Lock() { pthread_mutex_unlock(mutex_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  pthread_mutex_t* mutex_;
};

}  // namespace

ThreadPool::ThreadPool(size_t threads) : most_(threads) {}

ThreadPool::~ThreadPool() {
  if (forked()) return;
  {
    const Lock lock(&mutex_);
    stop_ = true;
    pthread_cond_broadcast(&wake_);
  }
  for (const pthread_t thread : threads_) pthread_join(thread, nullptr);
  pthread_cond_destroy(&wake_);
  pthread_mutex_destroy(&mutex_);
}

bool ThreadPool::forked() const {
  const pid_t owner = owner_.load(std::memory_order_relaxed);
  return owner != 0 && owner != getpid();
}

void ThreadPool::run(size_t helpers, const std::function<void()>& work) {
  if (helpers == 0 || most_ == 0 || forked()) return work();
  Job job{work, helpers};
  {
    const Lock lock(&mutex_);
    push(&job);
    invite();
  }
  work();
  const Lock lock(&mutex_);
  remove(&job);
  while (job.inside != 0) pthread_cond_wait(&job.left, &mutex_);
  pthread_cond_destroy(&job.left);
}

void ThreadPool::push(Job* job) {
  Job** end = &jobs_;
  while (*end != nullptr) end = &(*end)->next;
  *end = job;
}

void ThreadPool::remove(const Job* job) {
  for (Job** at = &jobs_; *at != nullptr; at = &(*at)->next) {
    if (*at != job) continue;
    *at = job->next;
    return;
  }
}

ThreadPool::Job* ThreadPool::find_job() const {
  for (Job* job = jobs_; job != nullptr; job = job->next) {
    if (job->wanted != 0) return job;
  }
  return nullptr;
}

// Wakes or starts one more thread. Each thread that joins a job invites the next one, so that short
// jobs wake few.
void ThreadPool::invite() {
  if (idle_ != 0) {
    pthread_cond_signal(&wake_);
    return;
  }
  if (threads_.size() == most_) return;
  try {
    threads_.emplace_back();
  } catch (const std::bad_alloc&) {
    return;
  }
  if (pthread_create(&threads_.back(), nullptr, start, this) != 0) {
    threads_.pop_back();
    return;
  }
  owner_.store(getpid(), std::memory_order_relaxed);
}

void* ThreadPool::start(void* pool) {
  static_cast<ThreadPool*>(pool)->serve();
  return nullptr;
}

void ThreadPool::serve() {
  const Lock lock(&mutex_);
  for (;;) {
    if (stop_) return;
    Job* const job = find_job();
    if (job == nullptr) {
      ++idle_;
      pthread_cond_wait(&wake_, &mutex_);
      --idle_;
      continue;
    }
    --job->wanted;
    ++job->inside;
    if (find_job() != nullptr) invite();
    pthread_mutex_unlock(&mutex_);
    job->work();
    pthread_mutex_lock(&mutex_);
    job->wanted = 0;  // nothing is left to begin
    if (--job->inside == 0) pthread_cond_signal(&job->left);
  }
}

}  // namespace dcf::impl
