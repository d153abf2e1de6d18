// SPDX-License-Identifier: Apache-2.0
// Costs of symbols in whole numbers, the same on every machine: in units of 1/64 bit.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace dcf::impl::encode {

inline constexpr unsigned kFractionBits = 6;

// The fraction of log2(1 + i / 256) in these units, by the squares of a number, which have twice
// its logarithm.
constexpr std::array<uint8_t, 256> fractions_of_log2() {
  std::array<uint8_t, 256> fractions{};
  for (size_t i = 0; i < fractions.size(); ++i) {
    uint64_t mantissa = uint64_t{256 + i} << 23;  // 2^31 to 2^32
    for (unsigned k = 0; k < kFractionBits; ++k) {
      mantissa = mantissa * mantissa >> 31;
      const auto bit = static_cast<uint8_t>(mantissa >> 32);
      mantissa >>= bit;
      fractions[i] = static_cast<uint8_t>(2 * fractions[i] + bit);
    }
  }
  return fractions;
}

// log2(x) in these units, x > 0.
inline uint32_t log2_of(uint64_t x) {
  static constexpr std::array<uint8_t, 256> kFractions = fractions_of_log2();
  const auto whole = static_cast<unsigned>(std::bit_width(x)) - 1;
  const uint64_t top = whole > 8 ? x >> (whole - 8) : x << (8 - whole);
  return (whole << kFractionBits) + kFractions[top & 0xFF];
}

// The entropy of counts times their sum.
template <typename Counts>
uint64_t entropy_of(const Counts& counts) {
  uint64_t sum = 0;
  for (const uint64_t n : counts) sum += n;
  if (sum == 0) return 0;
  const uint32_t log_sum = log2_of(sum);
  uint64_t cost = 0;
  for (const uint64_t n : counts) {
    if (n > 0) cost += n * (log_sum - log2_of(n));
  }
  return cost;
}

}  // namespace dcf::impl::encode
