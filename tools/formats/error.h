// SPDX-License-Identifier: Apache-2.0
// The one exception type of the command line tools. main() turns it into a message and exit code.
#pragma once

#include <stdexcept>
#include <string>

namespace dcf::tools {

inline constexpr int kExitInvalid = 1;  // the input is malformed, damaged or over a limit
inline constexpr int kExitFailure = 2;  // usage, input/output, or a feature that is not supported

// `message` is one sentence that names the file concerned.
class Error : public std::runtime_error {
 public:
  Error(int code, const std::string& message, int errno_of_system = 0)
      : std::runtime_error(message), exit_code(code), system_error(errno_of_system) {}

  int exit_code;
  int system_error;  // errno of a failed system call, or 0
};

[[noreturn]] inline void throw_invalid(const std::string& file, const std::string& what) {
  throw Error(kExitInvalid, file + ": " + what);
}
[[noreturn]] inline void throw_failure(const std::string& file, const std::string& what,
                                       int system_error = 0) {
  throw Error(kExitFailure, file + ": " + what, system_error);
}

}  // namespace dcf::tools
