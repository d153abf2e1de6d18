// SPDX-License-Identifier: Apache-2.0
// The 64-byte header (spec/dcf-format.md, section 3).
#pragma once

#include <array>

#include "base/bytes.h"
#include "base/status.h"
#include "format/encoding.h"  // feature bits

namespace dcf::impl::format {

inline constexpr size_t kHeaderBytes = 64;
inline constexpr size_t kFileSizeAt = 16;  // offset of file_size
inline constexpr std::array<uint8_t, 8> kMagic = {0x89, 'D', 'C', 'F', '\r', '\n', 0x1A, '\n'};
inline constexpr uint16_t kFormatMajor = 0;
inline constexpr uint16_t kFormatMinor = 0;

struct Header {
  uint16_t major = kFormatMajor;
  uint16_t minor = kFormatMinor;
  uint32_t features = 0;
  uint64_t file_size = 0;
  uint64_t manifest_size = 0;
  uint64_t manifest_hash = 0;
};

// Checks rules H-01 to H-06 against a file of actual_size bytes. `bytes` is the start of the file:
// kHeaderBytes of it, or all of a shorter file.
Result<Header> parse_header(Bytes bytes, uint64_t actual_size);
std::array<uint8_t, kHeaderBytes> serialise_header(const Header& header);

}  // namespace dcf::impl::format
