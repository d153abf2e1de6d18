// SPDX-License-Identifier: Apache-2.0
#include "encode/content/grid_scales.h"

#include <array>
#include <bit>

#include "base/float_word.h"

namespace dcf::impl::encode {
namespace {

constexpr size_t kScaleBlock = 1024;  // elements whose scales are written out at once

// The scales of some elements, and what their values are divided by.
struct Divisors {
  std::array<float, kScaleBlock> scales;
  std::array<double, kScaleBlock> divisors;  // the scale, or 1 where it is 0
};

// The integer nearest to value / scale, and whether it gives the word again. Without a branch, so
// that the compiler makes this a vector loop.
template <typename Float>
bool numbers_of(const uint8_t* words, size_t n, const Divisors& by, uint32_t* numbers) {
  using Word = typename Float::Word;
  constexpr double kToInteger = 0x1p52;  // the sum with it ends with the integer
  constexpr unsigned kSignAt = 8 * sizeof(Word) - 1;
  constexpr Word kMagnitude = static_cast<Word>(~(Word{1} << kSignAt));
  uint32_t off = 0;
  for (size_t i = 0; i < n; ++i) {
    const Word word = load_le<Word>(words + i * sizeof(Word));
    const auto magnitude = static_cast<Word>(word & kMagnitude);
    const double quotient = double{Float::value(magnitude)} / by.divisors[i];
    // One above 2^32 becomes another, which does not give the word.
    const auto k = static_cast<uint32_t>(std::bit_cast<uint64_t>(quotient + kToInteger));
    const Word again = Float::word(static_cast<float>(static_cast<int32_t>(k)) * by.scales[i]);
    const uint32_t differs = 0U - static_cast<uint32_t>(again != magnitude);
    static_assert(kOffGrid == UINT32_MAX);
    numbers[i] = k << 1 | static_cast<uint32_t>(word) >> kSignAt | differs;
    off |= differs;
  }
  return off == 0;
}

template <typename Float>
bool numbers_of_units(const GridScales& grid, uint64_t first, Bytes words, uint32_t* numbers) {
  constexpr size_t kWidth = sizeof(typename Float::Word);
  Divisors by;
  bool all = true;
  while (!words.empty()) {
    const size_t n = std::min(kScaleBlock, words.size() / kWidth);
    for_each_unit(grid.axis, first, n, [&](uint64_t at, uint64_t length, uint32_t unit) {
      const float scale = grid.scales[unit];
      std::fill_n(by.scales.data() + at, length, scale);
      std::fill_n(by.divisors.data() + at, length, scale == 0 ? 1.0 : double{scale});
    });
    all &= numbers_of<Float>(words.data(), n, by, numbers);
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

}  // namespace dcf::impl::encode
