// SPDX-License-Identifier: Apache-2.0
// The tree kernels for NEON, which all 64-bit Arm processors have.
#include "codec/tree_kernels.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#include <algorithm>

#include "codec/bit_reader.h"
#include "codec/shuffle_tables.h"

#define DCF_SHUFFLE_SET kNeonTreeKernels
#define DCF_SHUFFLE_CPU_SET CpuSet::kNeon
#define DCF_SHUFFLE_TARGET

namespace dcf::impl::codec {
namespace {

using V = uint8x16_t;

inline V load(const void* p) {
  return vld1q_u8(static_cast<const uint8_t*>(p));
}
inline V repeat(const void* p) {
  return load(p);
}
inline V load_steps(const uint8_t* p, size_t) {
  return load(p);
}
inline void store(uint8_t* p, V v) {
  vst1q_u8(p, v);
}
inline V splat(uint8_t b) {
  return vdupq_n_u8(b);
}
inline V add(V a, V b) {
  return vaddq_u8(a, b);
}
inline V exclusive_or(V a, V b) {
  return veorq_u8(a, b);
}
inline V either(V a, V b) {
  return vorrq_u8(a, b);
}
inline V shuffle(V v, V control) {
  return vqtbl1q_u8(v, control);
}
inline V look_up(V v, V index) {
  return vqtbl1q_u8(v, index);
}
inline V multiply_16(V v, V factor) {
  return vreinterpretq_u8_u16(vmulq_u16(vreinterpretq_u16_u8(v), vreinterpretq_u16_u8(factor)));
}
inline V shift_right_16(V v, unsigned n) {
  const int16x8_t left = vdupq_n_s16(static_cast<int16_t>(-static_cast<int>(n)));
  return vreinterpretq_u8_u16(vshlq_u16(vreinterpretq_u16_u8(v), left));
}
inline V narrow(V a, V b) {
  return vuzp1q_u8(a, b);
}
inline unsigned at_least(V v, V pivot) {
  constexpr uint64_t kBits = 0x8040201008040201u;
  const V bits = vandq_u8(vcgeq_u8(v, pivot), vreinterpretq_u8_u64(vdupq_n_u64(kBits)));
  return vaddv_u8(vget_low_u8(bits)) | unsigned{vaddv_u8(vget_high_u8(bits))} << 8;
}
inline void low_half(uint8_t* p, V v) {
  vst1_u8(p, vget_low_u8(v));
}
inline void high_half(uint8_t* p, V v) {
  vst1_u8(p, vget_high_u8(v));
}
inline uint64_t ones_in(V v) {
  return vaddvq_u8(vcntq_u8(v));
}

}  // namespace
}  // namespace dcf::impl::codec

#include "codec/shuffle_loops.h"
#endif  // defined(__aarch64__)
