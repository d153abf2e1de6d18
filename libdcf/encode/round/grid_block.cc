// SPDX-License-Identifier: Apache-2.0
#include "encode/round/grid_block.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "encode/round/grid_store.h"

namespace dcf::impl::encode {
namespace {

constexpr size_t kBlock = 512;

// Several results at a time, so that one does not wait for the one before.
double greatest_difference(std::span<const float> a, const float* b) {
  constexpr size_t kLanes = 8;
  std::array<double, kLanes> most{};
  size_t i = 0;
  for (; i + kLanes <= a.size(); i += kLanes) {
    for (size_t k = 0; k < kLanes; ++k) {
      most[k] = std::max(most[k], std::abs(double{a[i + k]} - double{b[i + k]}));
    }
  }
  for (; i < a.size(); ++i) most[0] = std::max(most[0], std::abs(double{a[i]} - double{b[i]}));
  return *std::max_element(most.begin(), most.end());
}

// At most kBlock elements, which become multiple(i) * scales[i]; multiples are below
// kMaxGridInteger.
template <typename To, typename Multiple>
RoundingEffect set_some(std::span<const float> values, const float* scales, Multiple multiple_of,
                        uint32_t* numbers, uint8_t* words) {
  using Word = typename To::Word;
  constexpr uint32_t kHalfInfinity = 0x7C00;
  constexpr bool kIsHalf = std::is_same_v<To, F16Word>;
  std::array<float, kBlock> decoded;
  uint32_t nonzeros = 0;
  uint32_t vanished = 0;
  uint32_t infinite = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const int32_t multiple = multiple_of(i);
    const uint32_t number =
        static_cast<uint32_t>(std::abs(multiple)) << 1 | static_cast<uint32_t>(multiple) >> 31;
    const uint32_t word = To::word(static_cast<float>(multiple) * scales[i]);
    decoded[i] = To::value(static_cast<Word>(word));
    // A word of zero has no sign, and its number is 0.
    constexpr uint32_t kMagnitude = std::numeric_limits<Word>::max() >> 1;
    const uint32_t keeps = 0U - static_cast<uint32_t>((word & kMagnitude) != 0);
    numbers[i] = number & keeps;
    store_le(words + i * sizeof(Word), static_cast<Word>(word & keeps));
    if (kIsHalf) infinite |= static_cast<uint32_t>((word & kMagnitude) >= kHalfInfinity);
    const auto is_nonzero = static_cast<uint32_t>(values[i] != 0);
    nonzeros += is_nonzero;
    vanished +=
        is_nonzero & static_cast<uint32_t>(std::abs(values[i] - decoded[i]) >= std::abs(values[i]));
  }
  RoundingEffect effect;
  effect.nonzeros = nonzeros;
  effect.vanished = vanished;
  effect.greatest_error = infinite != 0 ? std::numeric_limits<double>::infinity()
                                        : greatest_difference(values, decoded.data());
  return effect;
}

template <typename To>
RoundingEffect round_all(std::span<const float> values, const float* scales, const float* inverses,
                         uint32_t* numbers, uint8_t* words) {
  RoundingEffect all;
  for (size_t at = 0; at < values.size(); at += kBlock) {
    const std::span<const float> some = values.subspan(at, std::min(kBlock, values.size() - at));
    const float* const inverse = inverses + at;
    int32_t most = 0;  // the bits of a float that is not negative rise with it
    for (size_t i = 0; i < some.size(); ++i) {
      most = std::max(most, std::bit_cast<int32_t>(std::abs(some[i] * inverse[i])));
    }
    if (!(std::bit_cast<float>(most) < static_cast<float>(kMaxGridInteger))) {
      all.greatest_error = std::numeric_limits<double>::infinity();
      continue;
    }
    const auto multiple_of = [&](size_t i) { return nearest_multiple(some[i] * inverse[i]); };
    all.add(set_some<To>(some, scales + at, multiple_of, numbers + at,
                         words + at * sizeof(typename To::Word)));
  }
  return all;
}

template <typename To>
RoundingEffect set_all(std::span<const float> values, const int32_t* multiples, const float* scales,
                       uint32_t* numbers, uint8_t* words) {
  std::array<int32_t, kBlock> block;  // a copy, which numbers cannot lie in
  RoundingEffect all;
  for (size_t at = 0; at < values.size(); at += kBlock) {
    const size_t n = std::min(kBlock, values.size() - at);
    std::copy_n(multiples + at, n, block.begin());
    all.add(set_some<To>(
        values.subspan(at, n), scales + at, [&](size_t i) { return block[i]; }, numbers + at,
        words + at * sizeof(typename To::Word)));
  }
  return all;
}

// Calls f with the word of the dtype.
template <typename F>
RoundingEffect with_word(DType dtype, F f) {
  switch (dtype) {
    case DType::kF32:
      return f.template operator()<F32Word>();
    case DType::kBF16:
      return f.template operator()<BF16Word>();
    default:
      return f.template operator()<F16Word>();
  }
}

RoundingEffect round(DType dtype, std::span<const float> values, const float* scales,
                     const float* inverses, uint32_t* numbers, uint8_t* words) {
  return with_word(dtype, [&]<typename To>() {
    return round_all<To>(values, scales, inverses, numbers, words);
  });
}

RoundingEffect set_multiples(DType dtype, std::span<const float> values, const int32_t* multiples,
                             const float* scales, uint32_t* numbers, uint8_t* words) {
  return with_word(
      dtype, [&]<typename To>() { return set_all<To>(values, multiples, scales, numbers, words); });
}

}  // namespace

const BlockKernels kScalarBlockKernels = {CpuSet::kScalar, round, set_multiples};

namespace {
constexpr auto kFamily = std::to_array<const BlockKernels*>({
  &kScalarBlockKernels,
#if defined(__x86_64__)
      &kAvx2BlockKernels,
#endif
});
}  // namespace

std::vector<const BlockKernels*> available_block_kernels() {
  return kernels_in<BlockKernels>(kFamily, detected_cpu_sets());
}

const BlockKernels& active_block_kernels() {
  static const BlockKernels& active = best_kernels<BlockKernels>(kFamily);
  return active;
}

void RoundingEffect::add(const RoundingEffect& other) {
  greatest_error = std::max(greatest_error, other.greatest_error);
  nonzeros += other.nonzeros;
  vanished += other.vanished;
}

}  // namespace dcf::impl::encode
