// SPDX-License-Identifier: Apache-2.0
// The idx format of MNIST and the data sets that followed it: magic, big-endian dimensions, bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dcf::tools {

// Neither the file nor what it unpacks to may be larger.
inline constexpr uint64_t kMaxIdxBytes = uint64_t{1} << 30;

struct IdxArray {
  std::vector<uint64_t> dims;
  std::vector<uint8_t> data;  // row-major
};

// An array of unsigned bytes of any rank, plain or compressed by gzip, which is told by its
// content. Throws Error unless magic, dimensions and the length of the file agree to the byte.
IdxArray read_idx(const std::string& path);

}  // namespace dcf::tools
