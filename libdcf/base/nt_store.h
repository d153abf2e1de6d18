// SPDX-License-Identifier: Apache-2.0
// Non-temporal stores: writing memory that nobody reads soon, past the caches.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include "base/bytes.h"
#include "base/cpu.h"

namespace dcf::impl {

inline constexpr size_t kLineBytes = 64;  // of a cache line

struct NtStores {
  CpuSet set;

  // Copies n bytes, whole lines to the start of a line, past the caches where the processor can.
  void (*lines)(const uint8_t* src, size_t n, uint8_t* dst);
};
// Those that this processor can run, the portable ones first.
std::vector<const NtStores*> available_nt_stores();
// The best ones that are allowed here (base/cpu.h). Thread-safe.
const NtStores& active_nt_stores();

// Whether an output of this many bytes is best written past the caches: no second-level cache holds
// it, and the machine is quick at it. Of the Xeons from Skylake to Cooper Lake, which have AVX-512
// without VBMI2, a core writes half as much again through the caches if it asks for lines ahead.
inline bool past_caches(size_t bytes) {
#if defined(__x86_64__)
  const CpuSets& sets = detected_cpu_sets();
  if (sets.has(CpuSet::kAvx512bw) && !sets.has(CpuSet::kAvx512vbmi2)) return false;
#endif
  return bytes >= size_t{4} << 20;
}

// Asks for the lines of `out` from byte `first` on, up to `end`, which are about to be written
// through the caches: all of them, as this may change them. Returns the first byte not asked for.
// A processor drops what is asked for in a page whose accessed bits are clear, and where a kernel
// or a host watches which memory is in use they are cleared again and again (seen: twice a second).
// So the first byte of each page is written, after its line was asked for from the page before:
// without that, decoding to CSR took a fifth more time in its first pass over an output after each
// clearing.
inline size_t fetch_to_write(MutableBytes out, size_t first, size_t end) {
  constexpr size_t kPageBytes = 4096;
  constexpr size_t kEarly = 1024;
  size_t i = first;
  for (end = std::min(end, out.size()); i < end; i += kLineBytes) {
    uint8_t* const line = out.data() + i;
    __builtin_prefetch(line, 1);
    const size_t in_page = reinterpret_cast<uintptr_t>(line) % kPageBytes;
    if (in_page < kLineBytes) {
      *const_cast<volatile uint8_t*>(line) = 0;
    } else if (in_page / kLineBytes == (kPageBytes - kEarly) / kLineBytes &&
               kEarly < out.size() - i) {
      __builtin_prefetch(line + kEarly, 1);
    }
  }
  return i;
}

// Copies past the caches where the machine can: a line that is written as a whole need not be read
// first. Anything may be unaligned. stream_fence() must follow before another thread reads.
inline void stream_copy(Bytes from, uint8_t* to) {
  const size_t head = std::min<size_t>(-reinterpret_cast<uintptr_t>(to) % kLineBytes, from.size());
  const size_t lines = (from.size() - head) / kLineBytes * kLineBytes;
  const size_t tail = from.size() - head - lines;
  if (head > 0) std::memcpy(to, from.data(), head);
  active_nt_stores().lines(from.data() + head, lines, to + head);
  if (tail > 0) std::memcpy(to + head + lines, from.data() + head + lines, tail);
}

inline void stream_fence() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

}  // namespace dcf::impl
