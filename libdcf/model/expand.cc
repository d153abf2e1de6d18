// SPDX-License-Identifier: Apache-2.0
#include "model/expand.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace dcf::impl {
namespace {

// Words by code, behind the reserved zero of gap positions.
template <typename T>
std::array<T, 257> words_by_code(const TensorCoding& coding) {
  std::array<T, 257> words{};
  size_t code = coding.tensor().encoding.positions == Positions::kGap ? 1 : 0;
  for (const uint64_t word : coding.codebook()) words[code++] = static_cast<T>(word);
  return words;
}

template <typename T>
void put(MutableBytes out, size_t i, T word) {
  store_le(out.data() + i * sizeof(T), word);
}

// Gives each skipped element its sign: -0 where the bit is set. Entries are written afterwards, so
// only skipped elements may consume a bit.
template <typename T>
void place_signs(const TensorCoding& coding, const DecodedChunk& chunk, MutableBytes out) {
  constexpr T kNegativeZero = static_cast<T>(T{1} << (8 * sizeof(T) - 1));
  uint32_t skipped = 0;
  uint32_t at = 0;
  const auto run = [&](uint32_t end) {
    for (; at < end; ++at, ++skipped) {
      if ((chunk.signs[skipped / 8] >> (skipped % 8) & 1) != 0) put<T>(out, at, kNegativeZero);
    }
  };
  for_each_entry(coding, chunk, [&](uint32_t element, uint32_t) {
    run(element);
    at = element + 1;
  });
  run(chunk.shape.elements);
}

template <typename T>
void expand(const TensorCoding& coding, const DecodedChunk& chunk, MutableBytes out) {
  const bool palette = coding.tensor().encoding.values == Values::kPalette;
  const std::array<T, 257> words = palette ? words_by_code<T>(coding) : std::array<T, 257>{};
  if (!coding.tensor().encoding.is_sparse()) {
    if (palette) {
      for (size_t i = 0; i < chunk.codes.size(); ++i) put(out, i, words[chunk.codes[i]]);
    } else {
      std::copy(chunk.words.begin(), chunk.words.end(), out.begin());
    }
    return;
  }
  if (!out.empty()) std::memset(out.data(), 0, out.size());
  const size_t n = chunk.positions.size();
  // A filler writes the zero that is there already.
  if (palette) {
    for (size_t i = 0; i < n; ++i) put(out, chunk.positions[i], words[chunk.codes[i]]);
  } else {
    for (size_t i = 0; i < n; ++i) put(out, chunk.positions[i], load_le<T>(chunk.words.data() + i * sizeof(T)));
  }
  if (!chunk.signs.empty()) place_signs<T>(coding, chunk, out);
}

}  // namespace

void expand_chunk(const TensorCoding& coding, const DecodedChunk& chunk, MutableBytes out) {
  if (coding.tensor().encoding.is_raw()) {
    std::copy(chunk.words.begin(), chunk.words.end(), out.begin());
    return;
  }
  switch (coding.word_bytes()) {
    case 1: return expand<uint8_t>(coding, chunk, out);
    case 2: return expand<uint16_t>(coding, chunk, out);
    case 4: return expand<uint32_t>(coding, chunk, out);
    default: return expand<uint64_t>(coding, chunk, out);
  }
}

}  // namespace dcf::impl
