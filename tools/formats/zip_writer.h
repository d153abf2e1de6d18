// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "formats/output_file.h"

namespace dcf::tools {

// A zip archive of stored entries, zip64 where needed. No time stamps: equal input, equal bytes.
class ZipWriter {
 public:
  explicit ZipWriter(OutputFile* file) : file_(file) {}

  // Exactly `bytes` bytes must follow.
  void begin_entry(std::string name, uint64_t bytes);
  void append(std::span<const uint8_t> bytes);
  void end_entry();
  void write_directory();

 private:
  struct Entry {
    std::string name;
    uint64_t bytes = 0;
    uint64_t offset = 0;  // of the local header
    uint32_t crc = 0;
  };
  bool is_large(const Entry& entry) const;
  uint16_t flags() const;

  OutputFile* file_;
  std::vector<Entry> entries_;
};

}  // namespace dcf::tools
