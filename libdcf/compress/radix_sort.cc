// SPDX-License-Identifier: Apache-2.0
#include "compress/radix_sort.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace dcf::impl::compress {
namespace {

constexpr int kDigitBits = 11;
constexpr int kPasses = 3;
constexpr uint32_t kDigits = uint32_t{1} << kDigitBits;

// Unsigned numbers that order as the floats do.
uint32_t key_of(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return bits ^ (static_cast<uint32_t>(-static_cast<int32_t>(bits >> 31)) | 0x80000000u);
}

}  // namespace

void sort_floats(std::vector<float>* values) {
  std::vector<std::array<size_t, kDigits>> places(kPasses);
  for (const float value : *values) {
    const uint32_t key = key_of(value);
    for (int pass = 0; pass < kPasses; ++pass) {
      ++places[pass][(key >> (pass * kDigitBits)) % kDigits];
    }
  }
  std::vector<float> other(values->size());
  for (int pass = 0; pass < kPasses; ++pass) {
    size_t start = 0;
    for (size_t& place : places[pass]) {
      const size_t count = place;
      place = start;
      start += count;
    }
    for (const float value : *values) {
      other[places[pass][(key_of(value) >> (pass * kDigitBits)) % kDigits]++] = value;
    }
    values->swap(other);
  }
}

void sort_keys(std::vector<uint64_t>* keys) {
  constexpr unsigned kByteBits = 8;
  if (keys->empty()) return;
  uint64_t differing = 0;
  for (const uint64_t key : *keys) differing |= key ^ keys->front();
  std::vector<uint64_t> other(keys->size());
  for (unsigned shift = 0; shift < 64; shift += kByteBits) {
    if ((differing >> shift & 0xFF) == 0) continue;
    std::array<size_t, 1u << kByteBits> places{};
    for (const uint64_t key : *keys) ++places[key >> shift & 0xFF];
    size_t start = 0;
    for (size_t& place : places) {
      const size_t count = place;
      place = start;
      start += count;
    }
    for (const uint64_t key : *keys) other[places[key >> shift & 0xFF]++] = key;
    keys->swap(other);
  }
}

}  // namespace dcf::impl::compress
