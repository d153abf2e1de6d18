// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace dcf::tools {

struct ProgressOutput {
  bool bar = false;  // on stderr, if that is a terminal
  int fd = -1;       // descriptor that gets lines for a program; -1: none
};

// A line of at most `room` columns: name, bar, share of the work, speed and time left, of which the
// bar, the speed, the time and the name are left out, in this order, as far as there is no room.
std::string progress_line(const std::string& label, double share, const std::string& speed,
                          const std::string& left, size_t room);

// How far work has come. On a terminal a bar on stderr, only if the work takes a while, and gone at
// the end. For a program a line "DONE TOTAL LABEL" at the beginning, ten times a second and at the
// end; a line that the reader has no room for is left out, so that a reader that is slow holds up
// nothing. Belongs to one thread at a time.
class Progress {
 public:
  enum class Unit { kBytes, kSteps };

  Progress(std::string label, uint64_t total, ProgressOutput output, Unit unit = Unit::kBytes);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(uint64_t done);

 private:
  using Clock = std::chrono::steady_clock;
  void draw(double seconds, uint64_t done) const;
  void write_line();

  std::string label_;
  uint64_t total_;
  Unit unit_;
  bool bar_;
  int fd_;
  uint64_t done_ = 0;
  uint64_t written_ = 0;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_draw_;
  Clock::time_point next_line_ = start_;
  bool drawn_ = false;
};

}  // namespace dcf::tools
