// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace dcf::tools {

// A thread that does one job at a time beside its owner's. It starts with the first job. Belongs to
// one thread at a time.
class SideThread {
 public:
  SideThread() = default;
  // Waits for the job, whose failure is lost then.
  ~SideThread();
  SideThread(const SideThread&) = delete;
  SideThread& operator=(const SideThread&) = delete;

  // Waits for the job before this one, as wait() does, then starts this one. What it uses must last
  // until wait() has returned or the thread is gone.
  void start(std::function<void()> job);
  // Waits until the last job is done. Throws what it threw.
  void wait();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> job_;  // empty when there is none, or it is done
  std::exception_ptr failure_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace dcf::tools
