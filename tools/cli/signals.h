// SPDX-License-Identifier: Apache-2.0
// Most outputs have no name before they are complete, so that a signal may end the process at any
// moment. Work with a temporary directory, or on a file system without nameless files, must clean
// up first: it asks here, between its steps, whether a signal came.
#pragma once

#include <csignal>

namespace dcf::tools {

// Not an std::exception: nothing but main() is to handle it.
struct Interrupted {
  int signal_number;
};

// SIGINT, SIGTERM and SIGHUP wait while it lives.
class SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

// From now on SIGINT, SIGTERM and SIGHUP only take note; a second one ends the process.
void defer_fatal_signals();
// Throws Interrupted if one came since.
void throw_if_interrupted();

// A file that becomes larger than the system allows is an error of the write from now on, and ends
// no process by SIGXFSZ.
void report_large_files();
// Ends the process as if the signal had never been deferred: exit status 130 for SIGINT in a shell.
[[noreturn]] void die_of_signal(int signal_number);

}  // namespace dcf::tools
