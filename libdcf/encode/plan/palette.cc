// SPDX-License-Identifier: Apache-2.0
#include "encode/plan/palette.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/words.h"

namespace dcf::impl::encode {

void PaletteFinder::add(Bytes words) {
  if (!fits_) return;
  with_words(dtype_, words, [&](auto view) {
    for (size_t i = 0; i < view.size() && fits_;) {
      const auto word = view[i];
      // Runs, the zeros of pruned tensors above all, are counted without the table.
      const size_t start = i;
      do {
        ++i;
      } while (i < view.size() && view[i] == word);
      if (skip_outside_ != 0 && (word & skip_outside_) == 0) continue;
      add(word, i - start);
    }
  });
}

void PaletteFinder::add(uint64_t word, uint64_t count) {
  if (!fits_) return;
  uint32_t entry = index_.find(word);
  if (entry == WordIndex::kAbsent) {
    if (found_.words.size() == kMaxPalette) {
      fits_ = false;
      return;
    }
    entry = static_cast<uint32_t>(found_.words.size());
    index_.insert(word, entry);
    found_.words.push_back(word);
    found_.counts.push_back(0);
  }
  found_.counts[entry] += count;
}

void PaletteFinder::join(const PaletteFinder& other) {
  fits_ = fits_ && other.fits_;
  for (size_t i = 0; i < other.found_.words.size(); ++i) {
    add(other.found_.words[i], other.found_.counts[i]);
  }
}

std::optional<Palette> PaletteFinder::take() const {
  if (!fits_) return std::nullopt;
  std::vector<std::pair<uint64_t, uint64_t>> sorted;  // keys, which are all different, and counts
  sorted.reserve(found_.words.size());
  for (size_t i = 0; i < found_.words.size(); ++i) {
    sorted.emplace_back(codebook_key(dtype_, found_.words[i]), found_.counts[i]);
  }
  std::sort(sorted.begin(), sorted.end());
  Palette palette;
  for (const auto& [key, count] : sorted) {
    palette.words.push_back(codebook_word(dtype_, key));
    palette.counts.push_back(count);
  }
  return palette;
}

std::optional<Palette> find_palette(DType dtype, Bytes words) {
  PaletteFinder finder(dtype, false);
  finder.add(words);
  return finder.take();
}

void encode_palette(DType dtype, std::span<const uint64_t> codebook, Bytes words,
                    std::span<uint8_t> codes) {
  if (dtype_bits(dtype) == 8) {
    std::array<uint8_t, 256> code_of{};
    for (size_t i = 0; i < codebook.size(); ++i) code_of[codebook[i]] = static_cast<uint8_t>(i);
    for (size_t i = 0; i < codes.size(); ++i) codes[i] = code_of[words[i]];
    return;
  }
  WordIndex index(kPaletteLogSlots);
  for (uint32_t i = 0; i < codebook.size(); ++i) index.insert(codebook[i], i);
  with_words(dtype, words, [&](auto view) {
    for (size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<uint8_t>(index.find(view[i]));
  });
}

}  // namespace dcf::impl::encode
