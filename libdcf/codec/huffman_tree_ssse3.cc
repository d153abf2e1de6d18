// SPDX-License-Identifier: Apache-2.0
// The tree kernels for SSSE3. Each function has its own target attribute (huffman_tree_avx2.cc says
// why).
#include "codec/tree_kernels.h"

#if defined(__x86_64__)
#include <tmmintrin.h>

#include <algorithm>

#include "codec/bit_reader.h"
#include "codec/shuffle_tables.h"

#define DCF_SHUFFLE_SET kSsse3TreeKernels
#define DCF_SHUFFLE_CPU_SET CpuSet::kSsse3
#define DCF_SHUFFLE_TARGET __attribute__((target("ssse3")))

namespace dcf::impl::codec {
namespace {

using V = __m128i;

DCF_SHUFFLE_TARGET inline V load(const void* p) {
  return _mm_loadu_si128(static_cast<const V*>(p));
}
DCF_SHUFFLE_TARGET inline V repeat(const void* p) {
  return load(p);
}
DCF_SHUFFLE_TARGET inline V load_steps(const uint8_t* p, size_t) {
  return load(p);
}
DCF_SHUFFLE_TARGET inline void store(uint8_t* p, V v) {
  _mm_storeu_si128(reinterpret_cast<V*>(p), v);
}
DCF_SHUFFLE_TARGET inline V splat(uint8_t b) {
  return _mm_set1_epi8(static_cast<char>(b));
}
DCF_SHUFFLE_TARGET inline V add(V a, V b) {
  return _mm_add_epi8(a, b);
}
DCF_SHUFFLE_TARGET inline V exclusive_or(V a, V b) {
  return _mm_xor_si128(a, b);
}
DCF_SHUFFLE_TARGET inline V either(V a, V b) {
  return _mm_or_si128(a, b);
}
DCF_SHUFFLE_TARGET inline V shuffle(V v, V control) {
  return _mm_shuffle_epi8(v, control);
}
DCF_SHUFFLE_TARGET inline V look_up(V v, V index) {
  return _mm_shuffle_epi8(v, _mm_adds_epu8(index, splat(0x70)));
}
DCF_SHUFFLE_TARGET inline V multiply_16(V v, V factor) {
  return _mm_mullo_epi16(v, factor);
}
DCF_SHUFFLE_TARGET inline V shift_right_16(V v, unsigned n) {
  return _mm_srl_epi16(v, _mm_cvtsi32_si128(static_cast<int>(n)));
}
DCF_SHUFFLE_TARGET inline V narrow(V a, V b) {
  return _mm_packus_epi16(a, b);
}
DCF_SHUFFLE_TARGET inline unsigned at_least(V v, V pivot) {
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(v, pivot), v)));
}
DCF_SHUFFLE_TARGET inline void low_half(uint8_t* p, V v) {
  _mm_storel_epi64(reinterpret_cast<V*>(p), v);
}
DCF_SHUFFLE_TARGET inline void high_half(uint8_t* p, V v) {
  _mm_storel_epi64(reinterpret_cast<V*>(p), _mm_unpackhi_epi64(v, v));
}
DCF_SHUFFLE_TARGET inline uint64_t ones_in(V v) {
  const V counts = _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const V low = _mm_and_si128(v, splat(0x0F));
  const V high = _mm_and_si128(_mm_srli_epi16(v, 4), splat(0x0F));
  const V ones = add(_mm_shuffle_epi8(counts, low), _mm_shuffle_epi8(counts, high));
  const V sums = _mm_sad_epu8(ones, _mm_setzero_si128());
  return static_cast<uint64_t>(
      _mm_cvtsi128_si64(_mm_add_epi64(sums, _mm_unpackhi_epi64(sums, sums))));
}

}  // namespace
}  // namespace dcf::impl::codec

#include "codec/shuffle_loops.h"
#endif  // defined(__x86_64__)
