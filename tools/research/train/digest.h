// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace dcf::tools {

// FNV-1a of a range of bytes: tells names and data sets apart, not attackers. `hash` is the digest
// of what comes before.
template <typename Bytes>
uint64_t digest(const Bytes& bytes, uint64_t hash = 0xcbf29ce484222325) {
  for (const auto b : bytes) hash = (hash ^ static_cast<uint8_t>(b)) * 0x100000001b3;
  return hash;
}

}  // namespace dcf::tools
