// SPDX-License-Identifier: Apache-2.0
// Non-temporal stores, which bypass the caches: for memory that is not read again soon.
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

inline constexpr size_t kLineBytes = 64;  // bytes of a cache line

struct NtStores {
  CpuSet set;

  // Copies n bytes: whole lines, to an address that starts a line. Bypasses the caches if the
  // processor can.
  void (*lines)(const uint8_t* src, size_t n, uint8_t* dst);
};
// The stores that this processor can run, the portable ones first.
std::vector<const NtStores*> available_nt_stores();
// The best stores that DCF_KERNEL allows (base/cpu.h). Thread-safe.
const NtStores& active_nt_stores();

// Whether an output of this many bytes should bypass the caches: no second-level cache holds it,
// and bypassing is fast on this machine. It is slow on Xeons from Skylake to Cooper Lake (AVX-512
// without VBMI2): there a core writes 1.5 times as fast through the caches if it prefetches lines.
inline bool past_caches(size_t bytes) {
#if defined(__x86_64__)
  const CpuSets& sets = detected_cpu_sets();
  if (sets.has(CpuSet::kAvx512bw) && !sets.has(CpuSet::kAvx512vbmi2)) return false;
#endif
  return bytes >= size_t{4} << 20;
}

// Prefetches the lines of `out` from byte `first` up to `end` for writing. The caller must write
// all of these bytes afterwards, because this function may change them. Returns the first byte that
// was not prefetched.
//
// A processor drops a prefetch into a page whose accessed bit is clear, and an operating system or
// a host that tracks which memory is in use clears these bits again and again (seen: twice a
// second). So the first byte of each page is written, after its line was prefetched from the page
// before. Without that, the first pass of a CSR decode over an output took a fifth longer after
// each clear.
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

// Copies, bypassing the caches if the machine can: a line that is written as a whole is not read
// first. No alignment is needed. Call stream_fence() before another thread reads the copy.
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
