// SPDX-License-Identifier: Apache-2.0
// Lossless palettes: tensors with at most 256 distinct bit patterns (spec, sections 5.2 and 8.1).
// Bit patterns are compared, not values: +0 and -0 are two entries, NaNs are entries as any word.
// Dtypes 1..15. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/dtype.h"

namespace dcf::impl::encode {

inline constexpr size_t kMaxPalette = 256;
inline constexpr unsigned kPaletteLogSlots = 10;  // of the WordIndex of a palette

struct Palette {
  std::vector<uint64_t> words;   // distinct, in increasing order of codebook_key
  std::vector<uint64_t> counts;  // of each word, at least 1
};

// Word -> index, by open addressing in a table that is never more than half full.
class WordIndex {
 public:
  // Of at most 2^(log_slots - 1) words.
  explicit WordIndex(unsigned log_slots) : shift_(64 - log_slots), slots_(size_t{1} << log_slots) {}

  // Index of a word, or kAbsent.
  uint32_t find(uint64_t word) const { return slots_[slot_of(word)].index; }
  void insert(uint64_t word, uint32_t index) { slots_[slot_of(word)] = {word, index}; }

  static constexpr uint32_t kAbsent = UINT32_MAX;
  // The memory of an index.
  static constexpr uint64_t bytes(unsigned log_slots) { return sizeof(Slot) << log_slots; }

 private:
  struct Slot {
    uint64_t word = 0;
    uint32_t index = kAbsent;
  };

  // The slot that holds the word, or the free one where it belongs.
  size_t slot_of(uint64_t word) const {
    // Fibonacci hashing: the high bits of the product depend on every bit of the word.
    size_t slot = static_cast<size_t>((word * 0x9E3779B97F4A7C15u) >> shift_);
    while (slots_[slot].index != kAbsent && slots_[slot].word != word) {
      slot = (slot + 1) & (slots_.size() - 1);
    }
    return slot;
  }

  unsigned shift_;
  std::vector<Slot> slots_;  // a power of two
};

// Collects the distinct words of a tensor that comes in parts. From the word on that is one too
// many it does nothing.
class PaletteFinder {
 public:
  // With `entries_only` add(Bytes) leaves out +0 and -0.
  PaletteFinder(DType dtype, bool entries_only)
      : dtype_(dtype), skip_outside_(entries_only ? magnitude_mask(dtype) : 0) {}
  void add(Bytes words);
  void add(uint64_t word, uint64_t count);
  void join(const PaletteFinder& other);
  // The palette of all words, or nothing if there are more than kMaxPalette distinct ones.
  std::optional<Palette> take() const;

 private:
  DType dtype_;
  uint64_t skip_outside_;  // words without one of these bits are left out; 0: none is
  WordIndex index_{kPaletteLogSlots};
  Palette found_;  // in order of appearance
  bool fits_ = true;
};

// The same of words that come at once. The scan ends at the first word too many.
std::optional<Palette> find_palette(DType dtype, Bytes words);

// codes[i] = index of word i in codebook. The codebook has at most kMaxPalette distinct words of
// the dtype and contains every word of `words`. codes.size() is the number of words.
void encode_palette(DType dtype, std::span<const uint64_t> codebook, Bytes words,
                    std::span<uint8_t> codes);

}  // namespace dcf::impl::encode
