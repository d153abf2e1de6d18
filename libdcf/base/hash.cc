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

Hasher::Hasher() : state_(XXH3_createState()) {
  if (state_ == nullptr) throw std::bad_alloc();
  XXH3_64bits_reset(static_cast<XXH3_state_t*>(state_));
}

Hasher::~Hasher() { XXH3_freeState(static_cast<XXH3_state_t*>(state_)); }

void Hasher::update(Bytes bytes) {
  if (bytes.empty()) return;
  empty_ = false;
  XXH3_64bits_update(static_cast<XXH3_state_t*>(state_), bytes.data(), bytes.size());
}

uint64_t Hasher::digest() const {
  return empty_ ? 0 : XXH3_64bits_digest(static_cast<const XXH3_state_t*>(state_));
}

}  // namespace dcf::impl
