// SPDX-License-Identifier: Apache-2.0
#include "encode/content/delta_words.h"

#include "base/words.h"
#include "encode/content/class_map.h"

namespace dcf::impl::encode {

std::vector<uint64_t> delta_numbers(DType dtype, const format::Encoding& encoding, Bytes predictors,
                                    uint64_t first, uint32_t cols, Bytes words) {
  std::vector<uint64_t> numbers;
  const ClassAxis axis{encoding.delta_run, encoding.delta_units};
  with_words(dtype, words, [&]<typename Word>(Words<Word> view) {
    numbers.resize(view.size());
    for (size_t row = 0; row < view.size(); row += cols) {
      const size_t n = std::min<size_t>(cols, view.size() - row);
      for_each_unit(axis, first + row, n, [&](uint64_t at, uint64_t length, uint32_t unit) {
        const uint8_t p = predictors[unit];
        const size_t distance = p == 0 ? SIZE_MAX : encoding.distances[p - 1u];
        for (size_t i = at; i < at + length; ++i) {
          const Word before =
              distance <= i ? key_above_zero(dtype, view[row + i - distance]) : Word{0};
          const auto difference = static_cast<Word>(key_above_zero(dtype, view[row + i]) - before);
          numbers[row + i] = sizeof(Word) == 1 ? difference : zigzag_of(difference);
        }
      });
    }
  });
  return numbers;
}

}  // namespace dcf::impl::encode
