// SPDX-License-Identifier: Apache-2.0
// Copies into memory that nobody reads soon.
#pragma once

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include "codec/dispatch.h"

namespace dcf::impl {

// Copies past the caches where the machine can: a line that is written as a whole need not be read
// first. Anything may be unaligned. stream_fence() must follow before another thread reads.
inline void stream_copy(Bytes from, uint8_t* to) {
  const size_t head = std::min<size_t>(-reinterpret_cast<uintptr_t>(to) % kLineBytes, from.size());
  const size_t lines = (from.size() - head) / kLineBytes * kLineBytes;
  const size_t tail = from.size() - head - lines;
  if (head > 0) std::memcpy(to, from.data(), head);
  active_tree_kernels().stream_lines(from.data() + head, lines, to + head);
  if (tail > 0) std::memcpy(to + head + lines, from.data() + head + lines, tail);
}

inline void stream_fence() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

}  // namespace dcf::impl
