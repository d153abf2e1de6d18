// SPDX-License-Identifier: Apache-2.0
// Two processes that time the same rows in turns: one runs while the other waits, and they change
// places every few milliseconds, so that both meet the same machine (bench/compare.sh). A header
// alone, as compare.sh puts it beside the sources of older revisions.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

namespace dcf::bench {

class Turns {
 public:
  // Alone: every turn is its own.
  Turns() = default;
  // Opens two FIFOs, which waits until the other process does. The leader's turn is the first of
  // each pair.
  Turns(bool leads, const std::string& to_follower, const std::string& to_leader) : leads_(leads) {
    if (leads) out_ = open_fifo(to_follower, O_WRONLY);
    in_ = open_fifo(leads ? to_leader : to_follower, O_RDONLY);
    if (!leads) out_ = open_fifo(to_leader, O_WRONLY);
  }

  bool alone() const { return out_ < 0; }

  // Before and after what is timed.
  void begin() const {
    if (!leads_) expect(kTurn);
  }
  void end() const {
    if (alone()) return;
    send(kTurn);
    if (leads_) expect(kTurn);
  }
  // Waits until both have come here. The leader decides whether there is another round.
  bool another_round(bool wanted) const {
    if (alone()) return wanted;
    if (leads_) {
      send(wanted ? kRound : kEnd);
      expect(kRound);
      return wanted;
    }
    const char word = receive();
    if (word == kTurn) out_of_step();
    send(kRound);
    return word == kRound;
  }

 private:
  static constexpr char kTurn = 't';
  static constexpr char kRound = 'r';
  static constexpr char kEnd = 'e';

  static int open_fifo(const std::string& path, int flags) {
    const int fd = open(path.c_str(), flags | O_CLOEXEC);
    if (fd < 0) throw std::runtime_error("cannot open " + path);
    return fd;
  }
  [[noreturn]] static void out_of_step() {
    throw std::runtime_error("the other process times other rows");
  }
  void send(char word) const {
    if (write(out_, &word, 1) != 1) throw std::runtime_error("the other process is gone");
  }
  char receive() const {
    char word = 0;
    if (read(in_, &word, 1) != 1) throw std::runtime_error("the other process is gone");
    return word;
  }
  void expect(char word) const {
    if (receive() != word) out_of_step();
  }

  bool leads_ = true;
  int in_ = -1;  // both stay open as long as the process lives
  int out_ = -1;
};

}  // namespace dcf::bench
