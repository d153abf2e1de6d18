// SPDX-License-Identifier: Apache-2.0
// Each function has its own target attribute (codec/huffman_tree_avx2.cc says why).
#if defined(__x86_64__)
#include <immintrin.h>

#include "base/float_kernels.h"

namespace dcf::impl {
namespace {

constexpr size_t kLanes = 8;

// The conversion of the processor keeps what words_to_floats() keeps of a NaN, and its subnormals
// in any denormal mode.
__attribute__((target("avx2,f16c"))) void f16_to_floats(const uint8_t* words, size_t n,
                                                        float* dst) {
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const auto* const from = reinterpret_cast<const __m128i*>(words + i * sizeof(uint16_t));
    _mm256_storeu_ps(dst + i, _mm256_cvtph_ps(_mm_loadu_si128(from)));
  }
  kScalarFloatKernels.f16(words + i * sizeof(uint16_t), n - i, dst + i);
}

__attribute__((target("avx2"))) void bf16_to_floats(const uint8_t* words, size_t n, float* dst) {
  const __m256i magnitude = _mm256_set1_epi32(0x7FFFFFFF);
  const __m256i infinity = _mm256_set1_epi32(0x7F800000);
  const __m256i quiet = _mm256_set1_epi32(0x00400000);
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const auto* const from = reinterpret_cast<const __m128i*>(words + i * sizeof(uint16_t));
    const __m256i bits = _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(from)), 16);
    const __m256i nan = _mm256_cmpgt_epi32(_mm256_and_si256(bits, magnitude), infinity);
    const __m256i quieted = _mm256_or_si256(bits, _mm256_and_si256(nan, quiet));
    _mm256_storeu_ps(dst + i, _mm256_castsi256_ps(quieted));
  }
  kScalarFloatKernels.bf16(words + i * sizeof(uint16_t), n - i, dst + i);
}

}  // namespace

const FloatKernels kAvx2FloatKernels = {CpuSet::kAvx2, f16_to_floats, bf16_to_floats};

}  // namespace dcf::impl
#endif
