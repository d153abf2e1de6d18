// SPDX-License-Identifier: Apache-2.0
// The list of a zip archive's entries (also zip64).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/input_file.h"

namespace dcf::tools {

struct ZipEntry {
  std::string name;
  uint16_t method = 0;
  bool deflated = false;
  std::string obstacle;  // why the data cannot be read, if so: "is encrypted, ..."
  uint32_t crc = 0;
  uint64_t compressed_bytes = 0;
  uint64_t bytes = 0;
  uint64_t header_offset = 0;
  uint64_t data_offset = 0;
};

// All entries in the order of their data. Throws Error for archives that are damaged (also where
// entries overlap, or directory and entry headers differ) or use other features, and where the
// directory is over the limit. An entry that is packed in another way than deflated is listed.
std::vector<ZipEntry> read_zip_directory(const InputFile& file, const MemoryLimit& limit);

}  // namespace dcf::tools
