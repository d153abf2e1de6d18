// SPDX-License-Identifier: Apache-2.0
#include "dcf/difference.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace dcf::tools {
namespace {

uint64_t word_at(std::span<const uint8_t> bytes, size_t width, uint64_t i) {
  uint64_t word = 0;
  for (size_t k = 0; k < width; ++k) word |= uint64_t{bytes[i * width + k]} << (8 * k);
  return word;
}

// A binary float of `bits` bits with `exponent` bits of exponent.
double small_float(uint64_t word, unsigned bits, unsigned exponent, bool has_infinity) {
  const unsigned mantissa = bits - 1 - exponent;
  const uint64_t fraction = word & ((uint64_t{1} << mantissa) - 1);
  const int e = static_cast<int>((word >> mantissa) & ((1u << exponent) - 1));
  const int bias = (1 << (exponent - 1)) - 1;
  const double sign = (word >> (bits - 1)) != 0 ? -1 : 1;
  const bool top = e == (1 << exponent) - 1;
  const bool all_ones = fraction == (uint64_t{1} << mantissa) - 1;
  if (top && (has_infinity ? fraction != 0 : all_ones)) return std::numeric_limits<double>::quiet_NaN();
  if (top && has_infinity) return sign * std::numeric_limits<double>::infinity();
  if (e == 0) return sign * std::ldexp(static_cast<double>(fraction), 1 - bias - static_cast<int>(mantissa));
  return sign * std::ldexp(static_cast<double>(fraction | (uint64_t{1} << mantissa)), e - bias - static_cast<int>(mantissa));
}

double value_of(dcf_dtype dtype, uint64_t word) {
  switch (dtype) {
    case DCF_F64: return std::bit_cast<double>(word);
    case DCF_F32: return std::bit_cast<float>(static_cast<uint32_t>(word));
    case DCF_F16: return small_float(word, 16, 5, true);
    case DCF_BF16: return std::bit_cast<float>(static_cast<uint32_t>(word << 16));
    case DCF_F8E4M3: return small_float(word, 8, 4, false);
    case DCF_F8E5M2: return small_float(word, 8, 5, true);
    case DCF_I64: return static_cast<double>(static_cast<int64_t>(word));
    case DCF_I32: return static_cast<int32_t>(word);
    case DCF_I16: return static_cast<int16_t>(word);
    case DCF_I8: return static_cast<int8_t>(word);
    default: return static_cast<double>(word);
  }
}

}  // namespace

Difference difference(const TensorMeta& meta, std::span<const uint8_t> a, std::span<const uint8_t> b) {
  Difference d;
  d.sqnr_db = std::numeric_limits<double>::infinity();
  if (a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0)) return d;
  d.same_bytes = false;
  if (a.size() != b.size() || meta.dtype > DCF_BOOL) {
    d.same_values = d.comparable = false;
    return d;
  }
  const size_t width = meta.bits / 8;
  double signal = 0, noise = 0, dot = 0, other = 0;
  for (uint64_t i = 0; i < a.size() / width; ++i) {
    const uint64_t word_a = word_at(a, width, i);
    const uint64_t word_b = word_at(b, width, i);
    const double x = value_of(meta.dtype, word_a);
    const double y = value_of(meta.dtype, word_b);
    if (!std::isfinite(x) || !std::isfinite(y)) {
      if (word_a != word_b) d.comparable = d.same_values = false;
      continue;
    }
    if (x != y) d.same_values = false;
    d.max_error = std::max(d.max_error, std::abs(x - y));
    signal += x * x;
    noise += (x - y) * (x - y);
    dot += x * y;
    other += y * y;
  }
  if (noise > 0) d.sqnr_db = 10 * std::log10(signal / noise);
  if (signal > 0 && other > 0) d.cosine = dot / std::sqrt(signal * other);
  else d.cosine = signal == other ? 1 : 0;
  return d;
}

}  // namespace dcf::tools
