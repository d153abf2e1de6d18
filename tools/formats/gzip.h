// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace dcf::tools {

bool is_gzip(std::span<const uint8_t> bytes);

// Unpacks gzip, all members of it. Throws Error where the data is damaged or cut off, where other
// bytes follow, or before it takes more than `limit` bytes. `where` names the file.
std::vector<uint8_t> unpack_gzip(const std::string& where, std::span<const uint8_t> bytes,
                                 uint64_t limit);

}  // namespace dcf::tools
