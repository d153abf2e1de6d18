// SPDX-License-Identifier: Apache-2.0
// Writing memory that nobody reads soon.
#pragma once

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include "codec/dispatch.h"

namespace dcf::impl {

// Whether an output of this many bytes is best written past the caches: no second-level cache holds
// it, and the machine is quick at it. Of the Xeons from Skylake to Cooper Lake, which have AVX-512
// without VBMI2, a core writes half as much again through the caches if it asks for lines ahead.
inline bool past_caches(size_t bytes) {
#if defined(__x86_64__)
  static const bool slow =
      __builtin_cpu_supports("avx512bw") && !__builtin_cpu_supports("avx512vbmi2");
  if (slow) return false;
#endif
  return bytes >= size_t{4} << 20;
}

// Asks for lines that are about to be written through the caches.
inline void fetch_to_write(MutableBytes lines) {
  for (size_t i = 0; i < lines.size(); i += kLineBytes) __builtin_prefetch(lines.data() + i, 1);
}

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
