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
  enum class Unit { kBytes, kSteps };

  Progress(std::string label, uint64_t total, bool wanted, Unit unit = Unit::kBytes);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(uint64_t done);

 private:
  using Clock = std::chrono::steady_clock;
  void draw(double seconds, uint64_t done) const;

  std::string label_;
  uint64_t total_;
  Unit unit_;
  bool enabled_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_draw_;
  bool drawn_ = false;
};

}  // namespace dcf::tools
