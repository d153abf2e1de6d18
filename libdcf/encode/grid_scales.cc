// SPDX-License-Identifier: Apache-2.0
#include "encode/grid_scales.h"

#include <array>
#include <bit>

#include "base/float_word.h"

namespace dcf::impl {
namespace {

constexpr size_t kBlock = 1024;  // elements whose scales are written out at once

// The integer nearest to value / scale, and whether it gives the word again. Without a branch, so
// that the compiler makes this a vector loop.
template <typename Float>
bool numbers_of(const uint8_t* words, std::span<const float> scales, uint32_t* numbers) {
  using Word = typename Float::Word;
  constexpr double kMost = kMaxGridInteger;
  constexpr double kToInteger = 0x1.8p52;  // the sum with it has no fraction
  constexpr unsigned kSignAt = 8 * sizeof(Word) - 1;
  constexpr Word kMagnitude = static_cast<Word>(~(Word{1} << kSignAt));
  bool all = true;
  for (size_t i = 0; i < scales.size(); ++i) {
    const Word word = load_le<Word>(words + i * sizeof(Word));
    const auto magnitude = static_cast<Word>(word & kMagnitude);
    const double divisor = scales[i] == 0 ? 1 : double{scales[i]};
    const double quotient = double{Float::value(magnitude)} / divisor;
    const double bounded = quotient < kMost ? quotient : kMost;  // NaN too
    const auto k = static_cast<int32_t>((bounded + kToInteger) - kToInteger);
    const bool same = Float::word(static_cast<float>(k) * scales[i]) == magnitude;
    const uint32_t number = static_cast<uint32_t>(k) << 1 | static_cast<uint32_t>(word) >> kSignAt;
    numbers[i] = same ? number : kOffGrid;
    all &= same;
  }
  return all;
}

template <typename Float>
bool numbers_of_units(const GridScales& grid, uint64_t first, Bytes words, uint32_t* numbers) {
  constexpr size_t kWidth = sizeof(typename Float::Word);
  std::array<float, kBlock> scales;
  bool all = true;
  while (!words.empty()) {
    const size_t n = std::min(kBlock, words.size() / kWidth);
    for_each_unit(grid.axis, first, n, [&](uint64_t at, uint64_t length, uint32_t unit) {
      std::fill_n(scales.data() + at, length, grid.scales[unit]);
    });
    all &= numbers_of<Float>(words.data(), std::span(scales).first(n), numbers);
    words = words.subspan(n * kWidth);
    numbers += n;
    first += n;
  }
  return all;
}

}  // namespace

bool grid_numbers(DType dtype, const GridScales& grid, uint64_t first, Bytes words,
                  uint32_t* numbers) {
  switch (dtype) {
    case DType::kF32:
      return numbers_of_units<F32Word>(grid, first, words, numbers);
    case DType::kBF16:
      return numbers_of_units<BF16Word>(grid, first, words, numbers);
    default:
      return numbers_of_units<F16Word>(grid, first, words, numbers);
  }
}

void append_scales(std::span<const float> scales, std::vector<uint8_t>* out) {
  size_t at = out->size();
  out->resize(at + scales.size() * sizeof(float));
  for (const float scale : scales) {
    store_le(out->data() + at, std::bit_cast<uint32_t>(scale));
    at += sizeof(float);
  }
}

}  // namespace dcf::impl
