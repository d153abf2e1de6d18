// SPDX-License-Identifier: Apache-2.0
// The loops of grid_kernels.h, for the files that compile them: a compiler makes wider ones of them
// in a function for a wider instruction set.
#pragma once

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "base/float_word.h"
#include "model/grid_kernels.h"

// Always inlined, so that each is compiled for the function that it is in.
#define DCF_LOOP [[gnu::always_inline]] inline

namespace dcf::impl::model {
// Shorter runs share a loop: the scale of each element is written out before it.
constexpr uint64_t kShortRun = 64;
constexpr uint64_t kBlock = 1024;  // elements of such a loop

// The magnitude of an integer stands above its sign.
DCF_LOOP float integer(uint32_t number) {
  const auto magnitude = static_cast<float>(static_cast<int32_t>(number >> 1));
  return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | number << 31);
}

// Integers times scales as words of `To`.
template <typename To>
struct Scaled {
  using Word = typename To::Word;
  DCF_LOOP static void by_one(std::span<const uint32_t> numbers, float scale, uint8_t* words) {
    for (size_t i = 0; i < numbers.size(); ++i) {
      store_le<Word>(words + i * sizeof(Word), To::word(integer(numbers[i]) * scale));
    }
  }
  DCF_LOOP static void by_many(std::span<const uint32_t> numbers, const float* scales,
                               uint8_t* words) {
    for (size_t i = 0; i < numbers.size(); ++i) {
      store_le<Word>(words + i * sizeof(Word), To::word(integer(numbers[i]) * scales[i]));
    }
  }
};

// `Values`: Scaled<To>, or what stands for it.
template <typename Values>
DCF_LOOP void scale_units(const format::Encoding& e, std::span<const float> scales, uint64_t first,
                          std::span<const uint32_t> numbers, uint8_t* words) {
  constexpr size_t kWidth = sizeof(typename Values::Word);
  if (e.grid_units == 1) return Values::by_one(numbers, scales[0], words);
  uint64_t unit = first / e.grid_run % e.grid_units;
  uint64_t left = e.grid_run - first % e.grid_run;  // elements of the unit
  std::array<float, kBlock> block;
  while (!numbers.empty()) {
    if (e.grid_run >= kShortRun) {
      const auto n = static_cast<size_t>(std::min<uint64_t>(left, numbers.size()));
      Values::by_one(numbers.first(n), scales[static_cast<size_t>(unit)], words);
      numbers = numbers.subspan(n);
      words += n * kWidth;
      left = e.grid_run;
      unit = unit + 1 == e.grid_units ? 0 : unit + 1;
      continue;
    }
    const auto n = static_cast<size_t>(std::min<uint64_t>(kBlock, numbers.size()));
    for (size_t i = 0; i < n;) {
      if (e.grid_run == 1) {
        const auto step = static_cast<size_t>(std::min<uint64_t>(n - i, e.grid_units - unit));
        std::copy_n(scales.data() + unit, step, block.data() + i);
        i += step;
        unit = unit + step == e.grid_units ? 0 : unit + step;
        continue;
      }
      const auto step = static_cast<size_t>(std::min<uint64_t>(n - i, left));
      std::fill_n(block.data() + i, step, scales[static_cast<size_t>(unit)]);
      i += step;
      left -= step;
      if (left > 0) continue;
      left = e.grid_run;
      unit = unit + 1 == e.grid_units ? 0 : unit + 1;
    }
    Values::by_many(numbers.first(n), block.data(), words);
    numbers = numbers.subspan(n);
    words += n * kWidth;
  }
}

// In one row. An offset is the exclusive or of the parities of k of the elements one, three, five
// and so on before it: those of eight elements are found at once.
DCF_LOOP void integers_of_row(std::span<uint32_t> numbers) {
  constexpr size_t kLanes = sizeof(uint64_t);
  constexpr uint64_t kEachPair = 0x0001000100010001u;
  std::array<uint8_t, kBlock> parities;
  std::array<uint8_t, kBlock + 1> offsets;
  offsets[0] = 0;
  uint64_t before = 0;  // the offsets of the two elements before the lanes, in each pair of lanes
  while (!numbers.empty()) {
    const size_t n = std::min<size_t>(kBlock, numbers.size());
    const size_t lanes = ceil_div(n, kLanes) * kLanes;
    uint32_t* const from = numbers.data();
    for (size_t i = 0; i < n; ++i) parities[i] = static_cast<uint8_t>((from[i] >> 1 ^ from[i]) & 1);
    std::fill(parities.begin() + static_cast<ptrdiff_t>(n),
              parities.begin() + static_cast<ptrdiff_t>(lanes), uint8_t{0});
    for (size_t i = 0; i < lanes; i += kLanes) {
      auto next = load_le<uint64_t>(parities.data() + i);
      next ^= next << 16;
      next ^= next << 32;
      next ^= before;
      store_le(offsets.data() + 1 + i, next);
      before = (next >> 48) * kEachPair;
    }
    for (size_t i = 0; i < n; ++i) {
      const uint32_t sign = 0U - (from[i] & 1);
      const uint32_t integer = 2 * (from[i] >> 1 ^ sign) + offsets[i];
      from[i] = ((integer ^ sign) - sign) << 1 | (sign & 1);
    }
    offsets[0] = offsets[n];
    numbers = numbers.subspan(n);
  }
}

// GridKernels::integers.
DCF_LOOP void integers_of_rows(uint32_t cols, std::span<uint32_t> numbers) {
  while (!numbers.empty()) {
    const size_t n = std::min<size_t>(cols, numbers.size());
    integers_of_row(numbers.first(n));
    numbers = numbers.subspan(n);
  }
}

// GridKernels::words. `Half`: Scaled<F16Word>, or what stands for it.
template <typename Half>
DCF_LOOP void scaled_words(const format::Tensor& tensor, std::span<const float> scales,
                           uint64_t first, std::span<const uint32_t> numbers, uint8_t* words) {
  switch (tensor.dtype) {
    case DType::kF32:
      return scale_units<Scaled<F32Word>>(tensor.encoding, scales, first, numbers, words);
    case DType::kBF16:
      return scale_units<Scaled<BF16Word>>(tensor.encoding, scales, first, numbers, words);
    default:
      return scale_units<Half>(tensor.encoding, scales, first, numbers, words);
  }
}

}  // namespace dcf::impl::model
