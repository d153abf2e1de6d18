// SPDX-License-Identifier: Apache-2.0
// The idx format of MNIST and the data sets that followed it: magic, big-endian dimensions, bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/memory_limit.h"

namespace dcf::tools {

struct IdxArray {
  std::vector<uint64_t> dims;
  std::vector<uint8_t> data;  // row-major
};

// An array of unsigned bytes of any rank, plain or compressed by gzip, which is told by its
// content. Throws Error unless magic, dimensions and the length of the file agree to the byte, and
// before it takes more memory than `limit` for the data.
IdxArray read_idx(const std::string& path, const MemoryLimit& limit = MemoryLimit());

}  // namespace dcf::tools
