// SPDX-License-Identifier: Apache-2.0
// The only file that includes xxhash.h; inlined, so that no shared library is needed at run time.
#include "base/hash.h"

#include <new>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace dcf::impl {

uint64_t hash_bytes(Bytes bytes) {
  return bytes.empty() ? 0 : XXH3_64bits(bytes.data(), bytes.size());
}

static_assert(sizeof(XXH3_state_t) <= 576 && alignof(XXH3_state_t) <= 64);

Hasher::Hasher() {
  XXH3_64bits_reset(new (state_) XXH3_state_t);
}

void Hasher::update(Bytes bytes) {
  if (bytes.empty()) return;
  empty_ = false;
  XXH3_64bits_update(std::launder(reinterpret_cast<XXH3_state_t*>(state_)), bytes.data(),
                     bytes.size());
}

uint64_t Hasher::digest() const {
  return empty_ ? 0
                : XXH3_64bits_digest(std::launder(reinterpret_cast<const XXH3_state_t*>(state_)));
}

}  // namespace dcf::impl
