// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "io/syscalls.h"

namespace dcf::tools {

// A directory that only its owner can enter, removed with all it holds: by the destructor, which
// also runs where a deferred signal ends the process (cli/signals.h), and where the process is
// killed outright by a child process that waits for that.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  // The path of a new, empty file that only its owner can read.
  std::string make_file(const std::string& name) const;

 private:
  std::filesystem::path path_;
  impl::io::UniqueFd alive_;  // the end of a pipe: the watching child reads its other end
  pid_t watcher_ = -1;
};

}  // namespace dcf::tools
