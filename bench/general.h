// SPDX-License-Identifier: Apache-2.0
// General compressors, each through the public API of its library and on one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace dcf::bench {

struct General {
  std::string name;
  bool slow;  // to compress: seconds for a megabyte
  std::function<std::vector<uint8_t>(std::span<const uint8_t>)> compress;
  std::function<void(std::span<const uint8_t> packed, std::span<uint8_t> out)> decompress;
};

// zstd -19, lz4, xz -6, brotli -9, memcpy, and Huffman alone: zstd frames of 64 KiB literals
// without matches (ZSTD_compressSequences), tables built inside. Those whose library is not there
// are missing.
std::vector<General> general_compressors();

// Nothing where there is no libzstd.
std::optional<General> zstd(int level);

}  // namespace dcf::bench
