// SPDX-License-Identifier: Apache-2.0
#include "encode/palette.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "encode/words.h"

namespace dcf::impl {
namespace {

// Word -> index, by open addressing in a table that is never more than a quarter full.
class WordIndex {
 public:
  // Index of a word, or kAbsent.
  uint32_t find(uint64_t word) const { return slots_[slot_of(word)].index; }
  void insert(uint64_t word, uint32_t index) { slots_[slot_of(word)] = {word, index}; }

  static constexpr uint32_t kAbsent = UINT32_MAX;

 private:
  static constexpr int kLogSlots = 10;
  struct Slot {
    uint64_t word = 0;
    uint32_t index = kAbsent;
  };

  // The slot that holds the word, or the free one where it belongs.
  size_t slot_of(uint64_t word) const {
    // Fibonacci hashing: the high bits of the product depend on every bit of the word.
    size_t slot = (word * 0x9E3779B97F4A7C15u) >> (64 - kLogSlots);
    while (slots_[slot].index != kAbsent && slots_[slot].word != word) {
      slot = (slot + 1) % slots_.size();
    }
    return slot;
  }

  std::array<Slot, size_t{1} << kLogSlots> slots_;
};

}  // namespace

std::optional<Palette> find_palette(DType dtype, Bytes words) {
  WordIndex index;
  Palette found;  // in order of appearance
  const bool fits = with_words(dtype, words, [&](auto view) {
    for (size_t i = 0; i < view.size();) {
      const auto word = view[i];
      // Runs, the zeros of pruned tensors above all, are counted without the table.
      const size_t start = i;
      do {
        ++i;
      } while (i < view.size() && view[i] == word);
      uint32_t entry = index.find(word);
      if (entry == WordIndex::kAbsent) {
        if (found.words.size() == kMaxPalette) return false;
        entry = static_cast<uint32_t>(found.words.size());
        index.insert(word, entry);
        found.words.push_back(word);
        found.counts.push_back(0);
      }
      found.counts[entry] += i - start;
    }
    return true;
  });
  if (!fits) return std::nullopt;

  std::vector<size_t> order(found.words.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return codebook_key(dtype, found.words[a]) < codebook_key(dtype, found.words[b]);
  });
  Palette sorted;
  for (const size_t i : order) {
    sorted.words.push_back(found.words[i]);
    sorted.counts.push_back(found.counts[i]);
  }
  return sorted;
}

void encode_palette(DType dtype, std::span<const uint64_t> codebook, Bytes words,
                    std::span<uint8_t> codes) {
  WordIndex index;
  for (uint32_t i = 0; i < codebook.size(); ++i) index.insert(codebook[i], i);
  with_words(dtype, words, [&](auto view) {
    for (size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<uint8_t>(index.find(view[i]));
  });
}

}  // namespace dcf::impl
