// SPDX-License-Identifier: Apache-2.0
// Most outputs clean up after themselves when a signal ends the process. Work with a temporary
// directory cannot do that in a signal handler: it asks here, between its steps.
#pragma once

namespace dcf::tools {

// Not an std::exception: nothing but main() is to handle it.
struct Interrupted {
  int signal_number;
};

// From now on SIGINT, SIGTERM and SIGHUP only take note; a second one ends the process.
void defer_fatal_signals();
// Throws Interrupted if one came since.
void throw_if_interrupted();
// Ends the process as if the signal had never been deferred: exit status 130 for SIGINT in a shell.
[[noreturn]] void die_of_signal(int signal_number);

}  // namespace dcf::tools
