// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "formats/input_file.h"

namespace dcf::tools {

// Whether the file starts like gzip.
bool is_gzip(const InputFile& file);

// Unpacks a gzip file of one or more members from front to end, in constant memory. Throws Error
// where the data is damaged or cut off, or other bytes follow.
class GzipReader {
 public:
  // Borrows the file.
  explicit GzipReader(const InputFile& file);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  // The number of bytes written to `out`: fewer than its size only at the end of the data.
  size_t read(std::span<uint8_t> out);

 private:
  const InputFile& file_;
  uint64_t consumed_ = 0;  // bytes of the file that were handed to zlib
  z_stream stream_{};
  bool ended_ = false;
  std::vector<uint8_t> input_;
};

}  // namespace dcf::tools
