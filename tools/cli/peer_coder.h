// SPDX-License-Identifier: Apache-2.0
// General compressors that a .dcf file is measured against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dcf::tools {

// Const members may run on several threads at once.
class PeerCoder {
 public:
  // "zstd", "shuffle+zstd" or "xz", with a level after a dash where it is not 3, 3 or 9: "zstd-19".
  // A shuffle puts byte k of every element together, for k = 0, 1, ... Throws Error (exit 2) for
  // any other text, and for a compressor that this build does not have.
  explicit PeerCoder(std::string_view text);

  // With the level: "zstd-3".
  const std::string& name() const { return name_; }
  // Bytes of memory that packing of so many bytes takes, besides them.
  uint64_t memory_for(uint64_t bytes) const;
  // Bytes of the data's elements, of `width` bytes each, as one stream. Nothing is kept of it. What
  // is left after the last whole element goes at the end. `width` is at least 1. Throws
  // std::bad_alloc, and Interrupted after a signal.
  uint64_t packed_bytes(std::span<const uint8_t> data, size_t width) const;

 private:
  std::string name_;
  bool xz_ = false;
  bool shuffled_ = false;
  int level_ = 0;
};

// Parts of `list` between commas, at least one, no two alike. Throws as the constructor.
std::vector<PeerCoder> parse_peers(std::string_view list);

}  // namespace dcf::tools
