// SPDX-License-Identifier: Apache-2.0
// The start of a file as memory, for libraries that find their way in it by pointers.
#pragma once

#include <cstdint>
#include <span>

#include "formats/input_file.h"

namespace dcf::tools {

// Read-only pages of the file, of which only those are loaded that are looked at. They belong to
// the system's cache of files, so MemoryLimit does not count them.
//
// Another program that writes to the file changes these bytes; one that cuts it short ends this
// program by SIGBUS at the next look at what is gone. So a mapping lives only while a model is
// opened, before there is any output; everything else reads by InputFile::read_at().
class MappedFile {
 public:
  // Maps the first min(file.size(), most) bytes, at least one. Throws Error.
  MappedFile(const InputFile& file, uint64_t most);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // Starts at a page.
  std::span<const uint8_t> bytes() const { return bytes_; }

 private:
  std::span<const uint8_t> bytes_;
};

}  // namespace dcf::tools
