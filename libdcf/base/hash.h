// SPDX-License-Identifier: Apache-2.0
// The checksum of the format: XXH3-64, or 0 for no bytes. It detects accidents, not attacks.
#pragma once

#include "base/bytes.h"

namespace dcf::impl {

uint64_t hash_bytes(Bytes bytes);

// The same over bytes that arrive in pieces.
class Hasher {
 public:
  Hasher();
  void update(Bytes bytes);
  uint64_t digest() const;

 private:
  alignas(64) unsigned char state_[576];  // an XXH3_state_t
  bool empty_ = true;
};

}  // namespace dcf::impl
