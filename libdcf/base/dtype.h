// SPDX-License-Identifier: Apache-2.0
// Element types: the numbers and widths of spec/dcf-format.md, section 4.1.
#pragma once

#include <cstdint>

namespace dcf::impl {

enum class DType : uint8_t {
  kNone = 0,
  kF64 = 1,
  kF32 = 2,
  kF16 = 3,
  kBF16 = 4,
  kF8E4M3 = 5,
  kF8E5M2 = 6,
  kI64 = 7,
  kI32 = 8,
  kI16 = 9,
  kI8 = 10,
  kU64 = 11,
  kU32 = 12,
  kU16 = 13,
  kU8 = 14,
  kBool = 15,
  kC64 = 16,
  kF8E8M0 = 17,
  kF6E2M3 = 18,
  kF6E3M2 = 19,
  kF4 = 20,
  // 21 stays free: golden files use it as an unknown id.
  kF8E4M3FNUZ = 22,
  kF8E5M2FNUZ = 23,
  kOpaque = 31,
};

// 8-bit floats without infinities and without -0: the word 0x80 is their NaN.
inline bool is_fnuz(DType t) {
  return t == DType::kF8E4M3FNUZ || t == DType::kF8E5M2FNUZ;
}
inline bool is_known(DType t) {
  return (t >= DType::kF64 && t <= DType::kF4) || is_fnuz(t) || t == DType::kOpaque;
}
inline bool is_float(DType t) {
  return (t >= DType::kF64 && t <= DType::kF8E5M2) || is_fnuz(t);
}
// Whether a word other than 0 is zero too: the one with the sign bit only.
inline bool has_negative_zero(DType t) {
  return is_float(t) && !is_fnuz(t);
}
inline bool is_signed_integer(DType t) {
  return t >= DType::kI64 && t <= DType::kI8;
}
inline bool is_integer(DType t) {
  return t >= DType::kI64 && t <= DType::kBool;
}
inline bool is_f8(DType t) {
  return t == DType::kF8E4M3 || t == DType::kF8E5M2 || is_fnuz(t);
}
inline bool is_raw_only(DType t) {
  return t >= DType::kC64 && !is_fnuz(t);
}

// Bits of one element; 0 for kOpaque (stored with the tensor) and kNone.
inline uint32_t dtype_bits(DType t) {
  static constexpr uint8_t kBits[] = {0,  64, 32, 16, 16, 8, 8, 64, 32, 16, 8, 64,
                                      32, 16, 8,  8,  64, 8, 6, 6,  4,  0,  8, 8};
  return t <= DType::kF8E5M2FNUZ ? kBits[static_cast<uint8_t>(t)] : 0;
}

inline const char* dtype_name(DType t) {
  static constexpr const char* kNames[] = {
      "",    "f64",    "f32",    "f16",    "bf16", "f8e4m3", "f8e5m2",     "i64",
      "i32", "i16",    "i8",     "u64",    "u32",  "u16",    "u8",         "bool",
      "c64", "f8e8m0", "f6e2m3", "f6e3m2", "f4",   "",       "f8e4m3fnuz", "f8e5m2fnuz"};
  if (t == DType::kOpaque) return "opaque";
  return t <= DType::kF8E5M2FNUZ ? kNames[static_cast<uint8_t>(t)] : "";
}

// The part of a word that decides whether it is zero: all bits but the sign where -0 exists.
inline uint64_t magnitude_mask(DType t) {
  const uint32_t bits = dtype_bits(t);
  const uint64_t all = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
  return has_negative_zero(t) ? all >> 1 : all;
}

// Order of codebook entries (spec, section 5.2): unsigned comparison of keys is numeric order.
inline uint64_t codebook_key(DType t, uint64_t word) {
  const uint32_t bits = dtype_bits(t);
  const uint64_t top = uint64_t{1} << (bits - 1);
  if (is_float(t) && (word & top) != 0) return ~word & (top | (top - 1));
  return is_float(t) || is_signed_integer(t) ? word ^ top : word;
}
inline uint64_t codebook_word(DType t, uint64_t key) {  // inverse of codebook_key
  const uint32_t bits = dtype_bits(t);
  const uint64_t top = uint64_t{1} << (bits - 1);
  if (is_float(t) && (key & top) == 0) return ~key & (top | (top - 1));
  return is_float(t) || is_signed_integer(t) ? key ^ top : key;
}

}  // namespace dcf::impl
