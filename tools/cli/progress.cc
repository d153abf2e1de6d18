// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "cli/display.h"

namespace dcf::tools {
namespace {

constexpr std::chrono::milliseconds kDelay{300};
constexpr std::chrono::milliseconds kInterval{100};
constexpr const char* kClearLine = "\r\x1b[K";

}  // namespace

std::string progress_line(const std::string& label, double share, const std::string& speed,
                          const std::string& left, size_t room) {
  constexpr size_t kMostBar = 40;
  constexpr size_t kLeastBar = 4;  // less tells nothing
  constexpr size_t kFrame = 3;     // two brackets and a space
  const std::string percent = fmt::format("{:3.0f} %", share * 100);
  size_t taken = percent.size();
  if (taken > room) return "";
  const auto if_room = [&](const std::string& field) {
    const size_t width = display_width(field);
    if (taken + width > room) return std::string();
    taken += width;
    return field;
  };
  const std::string name = if_room(label + " ");
  const std::string time = if_room("  " + left);
  const std::string pace = if_room("  " + speed);
  std::string bar;
  if (taken + kFrame + kLeastBar <= room) {
    const size_t columns = std::min(kMostBar, room - taken - kFrame);
    const auto full = static_cast<size_t>(share * static_cast<double>(columns));
    bar = "[" + std::string(full, '=') + std::string(columns - full, ' ') + "] ";
  }
  return name + bar + percent + pace + time;
}

Progress::Progress(std::string label, uint64_t total, ProgressOutput output, Unit unit)
    : label_(std::move(label)),
      total_(total),
      unit_(unit),
      bar_(output.bar && total > 0 && terminal_width(STDERR_FILENO) > 0),
      fd_(total > 0 ? output.fd : -1),
      next_draw_(start_ + kDelay) {
  if (fd_ >= 0) write_line();
}

Progress::~Progress() {
  if (drawn_) std::fputs(kClearLine, stderr);
  if (fd_ < 0 || done_ == written_) return;
  try {
    write_line();
  } catch (...) {  // without memory there is no last line
  }
}

void Progress::update(uint64_t done) {
  if (!bar_ && fd_ < 0) return;
  done_ = std::min(done, total_);
  const Clock::time_point now = Clock::now();
  if (fd_ >= 0 && now >= next_line_) write_line();
  if (!bar_ || now < next_draw_) return;
  next_draw_ = now + kInterval;
  drawn_ = true;
  draw(std::chrono::duration<double>(now - start_).count(), done_);
}

void Progress::write_line() {
  next_line_ = Clock::now() + kInterval;
  pollfd room{.fd = fd_, .events = POLLOUT, .revents = 0};
  if (poll(&room, 1, 0) == 0) return;
  // A pipe with room takes a short line whole. One without a reader would end the process.
  const std::string line = fmt::format("{} {} {}\n", done_, total_, label_);
  if (room.revents != POLLOUT || write(fd_, line.data(), line.size()) < 0) {
    fd_ = -1;
    return;
  }
  written_ = done_;
}

void Progress::draw(double seconds, uint64_t done) const {
  const double share = static_cast<double>(done) / static_cast<double>(total_);
  const double eta = done == 0 ? 0 : seconds / share - seconds;
  const double per_second = static_cast<double>(done) / seconds;
  const std::string speed = unit_ == Unit::kBytes ? fmt::format("{:.1f} MB/s", per_second / 1e6)
                                                  : fmt::format("{:.0f} steps/s", per_second);
  const size_t width = terminal_width(STDERR_FILENO);
  // The last column may wrap.
  const size_t room = width == 0 ? 0 : width - 1;
  std::fputs(kClearLine, stderr);
  std::fputs(progress_line(label_, share, speed, human_seconds(eta) + " left", room).c_str(),
             stderr);
  std::fflush(stderr);
}

}  // namespace dcf::tools
