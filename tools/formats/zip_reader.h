// SPDX-License-Identifier: Apache-2.0
// The data of stored and deflated entries of zip archives.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "formats/input_file.h"
#include "formats/zip_directory.h"

namespace dcf::tools {

// Streams one entry. Never hands out more than entry.bytes bytes.
class ZipEntryReader {
 public:
  ZipEntryReader(const InputFile& file, const ZipEntry& entry);
  ~ZipEntryReader();
  ZipEntryReader(const ZipEntryReader&) = delete;
  ZipEntryReader& operator=(const ZipEntryReader&) = delete;

  // Fills `out` or throws Error.
  void read(std::span<uint8_t> out);
  // All bytes were read: checks that the data ends here, and its checksum.
  void finish();

 private:
  void refill();
  // Returns how many bytes were written to `out`: fewer than its size only at the end of the data.
  size_t inflate_into(std::span<uint8_t> out);
  [[noreturn]] void fail(const std::string& what) const;

  const InputFile& file_;
  const ZipEntry& entry_;
  uint64_t consumed_ = 0;  // compressed bytes read from the file
  uint64_t produced_ = 0;
  uint32_t crc_ = 0;
  std::vector<uint8_t> input_;
  z_stream inflater_{};
  bool ended_ = false;
};

}  // namespace dcf::tools
