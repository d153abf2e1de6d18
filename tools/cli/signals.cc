// SPDX-License-Identifier: Apache-2.0
#include "cli/signals.h"

#include <csignal>
#include <cstdlib>

namespace dcf::tools {
namespace {

constexpr int kFatalSignals[] = {SIGINT, SIGTERM, SIGHUP};

volatile std::sig_atomic_t caught_signal = 0;

void note_signal(int signal_number) {
  caught_signal = signal_number;
}

}  // namespace

SignalsBlocked::SignalsBlocked() {
  sigset_t blocked;
  sigemptyset(&blocked);
  for (const int signal_number : kFatalSignals) sigaddset(&blocked, signal_number);
  pthread_sigmask(SIG_BLOCK, &blocked, &before_);
}

SignalsBlocked::~SignalsBlocked() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void defer_fatal_signals() {
  for (const int signal_number : kFatalSignals) {
    struct sigaction current {};
    sigaction(signal_number, nullptr, &current);
    if (current.sa_handler == SIG_IGN) continue;  // nohup
    struct sigaction ours {};
    ours.sa_handler = note_signal;
    ours.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(signal_number, &ours, nullptr);
  }
}

void report_large_files() {
  std::signal(SIGXFSZ, SIG_IGN);
}

void throw_if_interrupted() {
  if (caught_signal != 0) throw Interrupted{caught_signal};
}

void die_of_signal(int signal_number) {
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
  std::_Exit(128 + signal_number);
}

}  // namespace dcf::tools
