// SPDX-License-Identifier: Apache-2.0
// Unfinished output files disappear also when SIGINT, SIGTERM or SIGHUP ends the process.
#pragma once

#include <string>

namespace dcf::tools {

// While it lives, a fatal signal unlinks `name` in the directory open as `directory_fd`. Create it
// before the file, so that there is no moment in which the file exists unregistered.
class TempRegistration {
 public:
  TempRegistration(int directory_fd, const std::string& name);
  ~TempRegistration();
  TempRegistration(const TempRegistration&) = delete;
  TempRegistration& operator=(const TempRegistration&) = delete;

 private:
  int slot_;
};

}  // namespace dcf::tools
