// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace dcf::tools {

// A bar on stderr while work is going on: only on a terminal, only if it takes a while, and gone
// at the end. Belongs to one thread at a time.
class Progress {
 public:
  Progress(std::string label, uint64_t total_bytes, bool wanted);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(uint64_t done_bytes);

 private:
  using Clock = std::chrono::steady_clock;
  void draw(double seconds, uint64_t done_bytes) const;

  std::string label_;
  uint64_t total_bytes_;
  bool enabled_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_draw_;
  bool drawn_ = false;
};

}  // namespace dcf::tools
