// SPDX-License-Identifier: Apache-2.0
// A folder in memory for harnesses whose models are several files.
#pragma once

#include <string>

#include "model_case.h"

namespace dcf::fuzz {

// Removed with what is in it at the end of the process.
class MemoryFolder {
 public:
  MemoryFolder();
  ~MemoryFolder();
  MemoryFolder(const MemoryFolder&) = delete;
  MemoryFolder& operator=(const MemoryFolder&) = delete;

  std::string file(const char* name) const { return path_ + "/" + name; }
  // Creates or replaces a file.
  void write(const char* name, Bytes bytes) const;

 private:
  std::string path_;
};

}  // namespace dcf::fuzz
