// SPDX-License-Identifier: Apache-2.0
// The tree kernels for WebAssembly with SIMD128. A module either has it or does not: compile with
// -msimd128.
#include "codec/tree_kernels.h"

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>

#include <algorithm>

#include "codec/bit_reader.h"
#include "codec/shuffle_tables.h"

#define DCF_SHUFFLE_SET kWasmTreeKernels
#define DCF_SHUFFLE_CPU_SET CpuSet::kSimd128
#define DCF_SHUFFLE_TARGET

namespace dcf::impl::codec {
namespace {

using V = v128_t;

inline V load(const void* p) {
  return wasm_v128_load(p);
}
inline V repeat(const void* p) {
  return load(p);
}
inline V load_steps(const uint8_t* p, size_t) {
  return load(p);
}
inline void store(uint8_t* p, V v) {
  wasm_v128_store(p, v);
}
inline V splat(uint8_t b) {
  return wasm_u8x16_splat(b);
}
inline V add(V a, V b) {
  return wasm_i8x16_add(a, b);
}
inline V exclusive_or(V a, V b) {
  return wasm_v128_xor(a, b);
}
inline V either(V a, V b) {
  return wasm_v128_or(a, b);
}
inline V shuffle(V v, V control) {
  return wasm_i8x16_swizzle(v, control);
}
inline V look_up(V v, V index) {
  return wasm_i8x16_swizzle(v, index);
}
inline V multiply_16(V v, V factor) {
  return wasm_i16x8_mul(v, factor);
}
inline V shift_right_16(V v, unsigned n) {
  return wasm_u16x8_shr(v, n);
}
inline V narrow(V a, V b) {
  return wasm_u8x16_narrow_i16x8(a, b);
}
inline unsigned at_least(V v, V pivot) {
  return wasm_i8x16_bitmask(wasm_u8x16_ge(v, pivot));
}
inline void low_half(uint8_t* p, V v) {
  wasm_v128_store64_lane(p, v, 0);
}
inline void high_half(uint8_t* p, V v) {
  wasm_v128_store64_lane(p, v, 1);
}
inline uint64_t ones_in(V v) {
  const V pairs = wasm_u16x8_extadd_pairwise_u8x16(wasm_i8x16_popcnt(v));
  const V fours = wasm_u32x4_extadd_pairwise_u16x8(pairs);
  return uint64_t{wasm_u32x4_extract_lane(fours, 0)} + wasm_u32x4_extract_lane(fours, 1) +
         wasm_u32x4_extract_lane(fours, 2) + wasm_u32x4_extract_lane(fours, 3);
}

}  // namespace
}  // namespace dcf::impl::codec

#include "codec/shuffle_loops.h"
#endif  // defined(__wasm_simd128__)
