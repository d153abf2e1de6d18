// SPDX-License-Identifier: Apache-2.0
#include "compress/prune.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/checked.h"
#include "base/float_convert.h"
#include "base/words.h"
#include "compress/radix_select.h"

namespace dcf::impl::compress {
namespace {

// Magnitudes in formats whose sign cannot simply be masked off.
std::vector<uint8_t> fnuz_magnitudes(DType dtype, Bytes words) {
  std::vector<uint8_t> out(words.begin(), words.end());
  for (uint8_t& word : out) word = static_cast<uint8_t>(magnitude_of(dtype, word));
  return out;
}

// The elements that a cut keeps, except zeros.
template <typename Word>
std::vector<uint64_t> keep_mask(Words<Word> view, Word mask, Cut cut) {
  std::vector<uint64_t> keep(ceil_div(view.size(), 64));
  Cutter cutter(cut);
  for (size_t i = 0; i < view.size(); ++i) {
    const Word magnitude = view[i] & mask;
    const bool stays = !cutter.removes(magnitude) && magnitude != 0;
    keep[i / 64] |= uint64_t{stays} << (i % 64);
  }
  return keep;
}

// Adds f(value) over all elements, in their order.
template <typename F>
double sum_over(DType dtype, Bytes words, F f) {
  const size_t width = dtype_bits(dtype) / 8;
  std::array<double, 1024> block;
  double sum = 0;
  while (!words.empty()) {
    const size_t count = std::min(block.size(), words.size() / width);
    words_to_doubles(dtype, words.first(count * width), {block.data(), count});
    for (size_t i = 0; i < count; ++i) sum += f(block[i]);
    words = words.subspan(count * width);
  }
  return sum;
}

}  // namespace

std::vector<uint64_t> prune_to_sparsity(DType dtype, Bytes words, double sparsity) {
  if (is_fnuz(dtype)) return prune_to_sparsity(DType::kU8, fnuz_magnitudes(dtype, words), sparsity);
  return with_words(dtype, words, [=]<typename Word>(Words<Word> view) {
    const auto mask = static_cast<Word>(magnitude_mask(dtype));
    const auto size = static_cast<double>(view.size());
    const auto count = static_cast<uint64_t>(std::round(sparsity * size));
    if (count >= view.size()) return std::vector<uint64_t>(ceil_div(view.size(), 64));
    const auto for_each = [&](auto visit) {
      for (size_t i = 0; i < view.size(); ++i) visit(static_cast<uint64_t>(view[i] & mask));
    };
    return keep_mask(view, mask, radix_cut(8 * sizeof(Word), count, for_each));
  });
}

std::vector<uint64_t> prune_by_deviation(DType dtype, Bytes words, double quality) {
  return with_words(dtype, words, [=]<typename Word>(Words<Word> view) {
    const auto size = static_cast<double>(std::max<size_t>(view.size(), 1));
    const double mean = sum_over(dtype, words, [](double v) { return v; }) / size;
    const double variance =
        sum_over(dtype, words, [mean](double v) { return (v - mean) * (v - mean); }) / size;
    const double threshold = quality * std::sqrt(variance);
    // The least word whose value is at least this one.
    uint64_t least = double_to_word(dtype, threshold);
    if (word_to_double(dtype, least) < threshold) ++least;
    if (is_fnuz(dtype)) {
      const std::vector<uint8_t> magnitudes = fnuz_magnitudes(dtype, words);
      return keep_mask(Words<uint8_t>(magnitudes), uint8_t{0xFF}, Cut{least, 0});
    }
    return keep_mask(view, static_cast<Word>(magnitude_mask(dtype)), Cut{least, 0});
  });
}

}  // namespace dcf::impl::compress
