// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <zlib.h>

#include <cstdint>
#include <span>

namespace dcf::tools {

// Continues the CRC-32 of all bytes so far, which starts at 0. zlib takes a null pointer, as empty
// spans may have, for the wish to start again.
inline uint32_t update_crc(uint32_t crc, std::span<const uint8_t> bytes) {
  if (bytes.empty()) return crc;
  return static_cast<uint32_t>(crc32_z(crc, bytes.data(), bytes.size()));
}

}  // namespace dcf::tools
