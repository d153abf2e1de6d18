// SPDX-License-Identifier: Apache-2.0
#include "model/expand.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/nt_store.h"
#include "model/word_kernels.h"
#include "model/word_table.h"

namespace dcf::impl::model {
namespace {

// Calls fill(element, block) for consecutive blocks of `out` that fit in the first-level cache. A
// block is in `out` itself, or in a buffer that is then copied to `out`, bypassing the caches.
template <typename T, typename Fill>
void in_blocks(MutableBytes out, bool stream, Fill fill) {
  constexpr size_t kMost = size_t{32} << 10;
  // Blocks of `out` are small: lines after the block are prefetched while it is filled.
  constexpr size_t kAhead = size_t{3} << 10;
  const size_t most = stream ? kMost : size_t{1} << 10;
  alignas(kLineBytes) std::array<uint8_t, kMost> buffer;
  // After the first, blocks start on lines if elements can.
  size_t size = most - reinterpret_cast<uintptr_t>(out.data()) % kLineBytes / sizeof(T) * sizeof(T);
  for (size_t first = 0; !out.empty(); first += size / sizeof(T), size = most) {
    size = std::min(size, out.size());
    const MutableBytes to = out.first(size);
    out = out.subspan(size);
    if (stream) {
      const MutableBytes block = MutableBytes(buffer).first(size);
      fill(first, block);
      stream_copy(block, to.data());
    } else {
      fetch_to_write(out, kAhead, kAhead + size);
      fill(first, to);
    }
  }
  if (stream) stream_fence();
}

void copy_words(Bytes words, bool stream, MutableBytes out) {
  if (stream) {
    stream_copy(words, out.data());
    stream_fence();
  } else {
    std::copy(words.begin(), words.end(), out.begin());
  }
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
      if ((chunk->signs[skipped / 8] >> (skipped % 8) & 1) != 0) put<T>(out, at, kNegativeZero);
    }
  };
  for_each_entry(coding, chunk, [&](uint32_t element, uint32_t) {
    run(element);
    at = element + 1;
  });
  run(chunk->shape.elements);
}

// word(i) is the word of entry i. It is passed by value, and the loop uses only local variables,
// because the compiler must assume that the bytes written may alias anything else.
template <typename T, typename Word>
void expand_dense(bool stream, MutableBytes out, Word word) {
  in_blocks<T>(out, stream, [word](size_t first, MutableBytes block) {
    const Word word_of = word;
    uint8_t* const to = block.data();
    const size_t n = block.size() / sizeof(T);
    for (size_t i = 0; i < n; ++i) store_le(to + i * sizeof(T), word_of(first + i));
  });
}

// A filler writes the zero that is there already.
template <typename T, typename Word>
void expand_sparse(std::span<const uint32_t> positions, bool stream, MutableBytes out, Word word) {
  size_t next = 0;
  in_blocks<T>(out, stream, [positions, word, &next](size_t first, MutableBytes block) {
    const Word word_of = word;
    uint8_t* const to = block.data();
    const size_t n = block.size() / sizeof(T);
    std::memset(to, 0, block.size());
    const uint32_t* const at = positions.data();
    const size_t end = positions.size();
    size_t i = next;
    for (; i < end && at[i] - first < n; ++i)
      store_le(to + (at[i] - first) * sizeof(T), word_of(i));
    next = i;
  });
}

// Elements of a palette by code; `table` outlives the call.
template <typename T>
void expand_palette(const TensorCoding& coding, const DecodedChunk& chunk,
                    const std::array<T, 257>& table, bool stream, MutableBytes out) {
  const uint8_t* const codes = chunk->codes.data();
  const auto word = [words = table.data(), codes](size_t i) { return words[codes[i]]; };
  if (coding.tensor().encoding.is_sparse())
    return expand_sparse<T>(chunk->positions, stream, out, word);
  if constexpr (sizeof(T) == sizeof(uint32_t)) {
    const WordTable words = {table.data(), coding.codebook().size(), 0};
    in_blocks<T>(out, stream, [&, codes](size_t first, MutableBytes block) {
      active_word_kernels().map(codes + first, block.size() / sizeof(T), words, block.data());
    });
  } else {
    expand_dense<T>(stream, out, word);
  }
}

template <typename T>
void expand(const TensorCoding& coding, const DecodedChunk& chunk, Expansion how,
            MutableBytes out) {
  // Signs are applied once all elements are written.
  const bool stream = how.stream && chunk->signs.empty();
  if (coding.tensor().encoding.values == format::Values::kPalette) {
    expand_palette(coding, chunk, words_by_code<T>(coding, how.to_f32), stream, out);
  } else if (coding.tensor().encoding.is_sparse()) {
    const auto word = [words = chunk->words.data()](size_t i) {
      return load_le<T>(words + i * sizeof(T));
    };
    expand_sparse<T>(chunk->positions, stream, out, word);
  } else {
    copy_words(chunk->words, stream, out);
  }
  if (!chunk->signs.empty()) place_signs<T>(coding, chunk, out);
}

}  // namespace

void expand_chunk(const TensorCoding& coding, const DecodedChunk& chunk, Expansion how,
                  MutableBytes out) {
  if (coding.tensor().encoding.is_raw()) return copy_words(chunk->words, how.stream, out);
  switch (how.to_f32 ? sizeof(float) : coding.word_bytes()) {
    case 1:
      return expand<uint8_t>(coding, chunk, how, out);
    case 2:
      return expand<uint16_t>(coding, chunk, how, out);
    case 4:
      return expand<uint32_t>(coding, chunk, how, out);
    default:
      return expand<uint64_t>(coding, chunk, how, out);
  }
}

void expand_codes(const TensorCoding& coding, const DecodedChunk& chunk, bool stream,
                  std::span<uint16_t> out) {
  const unsigned shift = code_shift(coding.tensor().encoding);
  std::array<uint16_t, 257> table;
  for (unsigned code = 0; code < table.size(); ++code) {
    const auto stored = static_cast<uint16_t>(code + shift);
    table[code] =
        load_le<uint16_t>(reinterpret_cast<const uint8_t*>(&stored));  // as the machine holds it
  }
  const auto bytes = std::as_writable_bytes(out);
  expand_palette(coding, chunk, table, stream,
                 {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
}

}  // namespace dcf::impl::model
