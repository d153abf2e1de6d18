// SPDX-License-Identifier: Apache-2.0
// The checksum of the format: XXH3-64, and 0 for no bytes. Finds accidents, not attackers.
#pragma once

#include "base/bytes.h"

namespace dcf::impl {

uint64_t hash_bytes(Bytes bytes);

// The same over bytes that arrive in pieces. Not copyable: the state is 576 bytes.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  void update(Bytes bytes);
  uint64_t digest() const;

 private:
  void* state_;
  bool empty_ = true;
};

}  // namespace dcf::impl
