// SPDX-License-Identifier: Apache-2.0
#include "base/nt_store.h"

#include <array>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace dcf::impl {
namespace {

// Every x86-64 processor has SSE2.
void lines_portable(const uint8_t* src, size_t n, uint8_t* dst) {
#if defined(__x86_64__)
  for (; n > 0; n -= 16, src += 16, dst += 16) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(src));
    _mm_stream_si128(reinterpret_cast<__m128i*>(dst), x);
  }
#else
  std::copy_n(src, n, dst);
#endif
}
constexpr NtStores kPortable = {CpuSet::kScalar, lines_portable};

#if defined(__x86_64__)
__attribute__((target("avx"))) void lines_avx2(const uint8_t* src, size_t n, uint8_t* dst) {
  for (; n > 0; n -= 32, src += 32, dst += 32) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(src));
    _mm256_stream_si256(reinterpret_cast<__m256i*>(dst), x);
  }
}
constexpr NtStores kAvx2 = {CpuSet::kAvx2, lines_avx2};

__attribute__((target("avx512f"))) void lines_avx512(const uint8_t* src, size_t n, uint8_t* dst) {
  for (; n > 0; n -= 64, src += 64, dst += 64) {
    _mm512_stream_si512(reinterpret_cast<__m512i*>(dst), _mm512_loadu_si512(src));
  }
}
constexpr NtStores kAvx512 = {CpuSet::kAvx512bw, lines_avx512};
#endif

constexpr auto kFamily = std::to_array<const NtStores*>({
  &kPortable,
#if defined(__x86_64__)
      &kAvx2, &kAvx512,
#endif
});

}  // namespace

std::vector<const NtStores*> available_nt_stores() {
  return kernels_in<NtStores>(kFamily, detected_cpu_sets());
}

const NtStores& active_nt_stores() {
  static const NtStores& active = best_kernels<NtStores>(kFamily);
  return active;
}

}  // namespace dcf::impl
