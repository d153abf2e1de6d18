// SPDX-License-Identifier: Apache-2.0
// The dense bytes of one tensor that is written in pieces, kept until the encoder has read them as
// often as it needs. Bytes are stored in blocks: a block of zeros takes nothing, a block of mostly
// zeros is a bitmap and its other words, any other block is its bytes. They are in memory up to a
// threshold, beyond it in a temporary file without a name (io/spool.h).
//
// One thread fills a store. After finish() it is immutable, and any number of threads may read it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "io/spool.h"

namespace dcf::impl::encode {

class PieceStore {
 public:
  static constexpr uint64_t kBlockBytes = uint64_t{1} << 18;

  // `width`: bytes of a word, 1, 2, 4 or 8. `memory`: bytes the spool may hold.
  PieceStore(size_t width, uint64_t memory) : width_(width), spool_(memory) {}

  // Appends bytes, cut anywhere. Fails as Spool::append() does; a failure is final.
  Status append(Bytes bytes);
  // Sets the word at an index above all before it. The words between them are zero.
  Status put(uint64_t index, uint64_t word);
  // Appends zeros up to `size` bytes and ends the store.
  Status finish(uint64_t size);

  uint64_t size() const { return size_; }
  // Bytes of memory of a store of `size` bytes, besides those of the spool.
  static uint64_t overhead(uint64_t size) {
    return 3 * kBlockBytes + 2 * sizeof(Block) * (size / kBlockBytes + 1);
  }
  // Bytes of memory of each reader.
  static constexpr uint64_t kReaderBytes = kBlockBytes;

  // Calls f(index, word) for the words of [begin, end) that are not zero, in order. Fails as
  // Spool::read_at().
  template <typename F>
  Status visit(uint64_t begin, uint64_t end, F f) const {
    switch (width_) {
      case 1:
        return visit_words<uint8_t>(begin, end, f);
      case 2:
        return visit_words<uint16_t>(begin, end, f);
      case 4:
        return visit_words<uint32_t>(begin, end, f);
      default:
        return visit_words<uint64_t>(begin, end, f);
    }
  }
  // Reads the bytes at `offset`. It and the size of dst are multiples of the width.
  Status read(uint64_t offset, MutableBytes dst) const;

 private:
  enum class Form : uint8_t { kZeros, kSparse, kDense };
  struct Block {
    uint64_t offset = 0;  // in the spool
    uint32_t bytes = 0;
    Form form = Form::kZeros;
  };

  size_t bitmap_bytes() const { return static_cast<size_t>(kBlockBytes / width_ / 8); }
  Status append_zeros(uint64_t count);
  Status flush();
  template <typename Word>
  uint64_t pack();  // words of buffer_ that are not zero; bitmap and words into record_
  Status load(const Block& block, std::vector<uint8_t>* record) const {
    record->resize(block.bytes);
    return spool_.read_at(block.offset, *record);
  }

  // The words of a sparse record with indices [first, last) in the block.
  template <typename Word, typename F>
  void visit_record(Bytes record, uint64_t first, uint64_t last, F f) const {
    const uint8_t* const bitmap = record.data();
    const uint8_t* word = bitmap + bitmap_bytes();
    const auto group = [&](uint64_t g) { return load_le<uint64_t>(bitmap + 8 * g); };
    for (uint64_t g = 0; g < first / 64; ++g) word += sizeof(Word) * std::popcount(group(g));
    for (uint64_t g = first / 64; 64 * g < last; ++g) {
      uint64_t bits = group(g);
      while (bits != 0) {
        const uint64_t i = 64 * g + static_cast<uint64_t>(std::countr_zero(bits));
        bits &= bits - 1;
        if (i >= last) return;
        if (i >= first) f(i, load_le<Word>(word));
        word += sizeof(Word);
      }
    }
  }

  template <typename Word, typename F>
  Status visit_words(uint64_t begin, uint64_t end, F f) const {
    constexpr uint64_t kWords = kBlockBytes / sizeof(Word);
    std::vector<uint8_t> record;
    while (begin < end) {
      const Block& block = blocks_[static_cast<size_t>(begin / kWords)];
      const uint64_t base = begin / kWords * kWords;
      const uint64_t stop = std::min(end, base + kWords);
      if (block.form == Form::kSparse) {
        DCF_TRY(load(block, &record));
        visit_record<Word>(record, begin - base, stop - base,
                           [&](uint64_t i, Word word) { f(base + i, word); });
      } else if (block.form == Form::kDense) {
        record.resize(static_cast<size_t>(stop - begin) * sizeof(Word));
        DCF_TRY(spool_.read_at(block.offset + (begin - base) * sizeof(Word), record));
        for (uint64_t i = begin; i < stop; ++i) {
          const Word word = load_le<Word>(record.data() + (i - begin) * sizeof(Word));
          if (word != 0) f(i, word);
        }
      }
      begin = stop;
    }
    return ok_status();
  }

  const size_t width_;
  io::Spool spool_;
  std::vector<Block> blocks_;
  uint64_t size_ = 0;
  std::vector<uint8_t> buffer_;  // bytes of the block that is being filled
  std::vector<uint8_t> record_;
};

}  // namespace dcf::impl::encode
