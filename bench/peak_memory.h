// SPDX-License-Identifier: Apache-2.0
// The most memory of a process that does one thing with a file, measured in a process of its own.
#pragma once

#include <cstdint>
#include <string>

namespace dcf::bench {

// What the program calls itself with: this option, what to do, and the path.
inline constexpr const char* kChildOption = "--child";

// The peak resident set (VmHWM) of this program, started anew, in bytes. `what`: "open", "verify",
// or "stream": decode to floats, 64 rows at a time.
uint64_t peak_memory(const std::string& what, const std::string& path);

// Does `what` on one thread and prints the peak. Returns the exit status.
int run_child(const std::string& what, const std::string& path);

}  // namespace dcf::bench
