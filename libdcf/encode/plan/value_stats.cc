// SPDX-License-Identifier: Apache-2.0
#include "encode/plan/value_stats.h"

#include "base/checked.h"
#include "codec/stream.h"
#include "encode/plan/split_words.h"
#include "encode/plan/stats.h"

namespace dcf::impl::encode {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 18;            // of words, counted at a time
constexpr uint64_t kPartElements = uint64_t{1} << 22;      // that one thread counts at a time
constexpr uint64_t kSparseElements = uint64_t{1} << 31;    // the same, where few have a value
constexpr uint64_t kParallelElements = uint64_t{1} << 16;  // from which threads pay
constexpr uint64_t kShortBlock =
    2048;  // whose prefixes are counted between the least and the greatest

// The statistics of some of the words. Prefixes are counted in 32 bits: a part is far below 2^32.
class Census {
 public:
  Census(const Content& content, Measure measure)
      : content_(content),
        measure_(measure),
        palette_(content.dtype, true),
        width_(content.width()) {}

  // The elements, or the places of CSR, in [begin, end).
  Status count(uint64_t begin, uint64_t end) {
    if (content_.coded) {
      count_codes(begin, end);
      return ok_status();
    }
    if (content_.pieces == nullptr && !content_.pruning) {
      const Bytes words = content_.words.subspan(static_cast<size_t>(begin) * width_,
                                                 static_cast<size_t>(end - begin) * width_);
      for (size_t at = 0; at < words.size(); at += kBlockBytes) {
        add(words.subspan(at, std::min(kBlockBytes, words.size() - at)));
      }
      return ok_status();
    }
    return count_visited(begin, end);
  }

  // Adds the counts to those of other parts. The distinct words stay here.
  void join(ValueStats* stats) {
    stats->entries += entries_;
    stats->negative_zeros += negative_zeros_;
    stats->mantissa_bits |= rotate_word(joined_, content_.bits);
    if (!prefixes_.empty()) {
      std::vector<uint64_t> sums(kPrefixes);
      for (size_t i = 0; i < kPrefixes; ++i) {
        sums[i] = uint64_t{prefixes_[i]} + prefixes_[kPrefixes + i];
      }
      sums[0] -= zeros_;
      few_.add(0, sums);
    }
    stats->prefixes.add(few_.first(), few_.counts());
    for (size_t i = 0; i < symbols_.size(); ++i) stats->symbols[i] += symbols_[i];
  }
  const PaletteFinder& palette() const { return palette_; }

 private:
  void count_codes(uint64_t begin, uint64_t end) {
    const codec::Histogram codes =
        codec::histogram_of({content_.codes + begin, static_cast<size_t>(end - begin)});
    for (size_t code = 0; code < codes.size(); ++code) {
      if (codes[code] == 0 || content_.code_cells[code] == Cell::kZero) continue;
      if (content_.code_cells[code] == Cell::kNegativeZero) {
        negative_zeros_ += codes[code];
        continue;
      }
      add_word(content_.code_words[code], codes[code]);
    }
  }

  Status count_visited(uint64_t begin, uint64_t end) {
    std::vector<uint8_t> block(kBlockBytes);
    size_t size = 0;
    DCF_TRY(content_.visit(begin, end, [&](uint64_t, uint64_t word, Cell cell) {
      if (cell == Cell::kNegativeZero) {
        ++negative_zeros_;
        return;
      }
      store_word(block.data() + size, width_, word);
      size += width_;
      if (size == block.size()) {
        add(block);
        size = 0;
      }
    }));
    add(Bytes(block).first(size));
    return ok_status();
  }

  // All words of a block, zeros included, which are no entries.
  void add(Bytes words) {
    const uint64_t count = words.size() / width_;
    const uint64_t entries = count_nonzeros(content_.dtype, words);
    entries_ += entries;
    if (!content_.drop_signs && entries < count) {
      negative_zeros_ += count_negative_zeros(content_.dtype, words);
    }
    if (measure_ == Measure::kZeros) return;
    if (content_.bits != 8) palette_.add(words);
    if (is_split(content_.dtype)) {
      with_words(content_.dtype, words, [&](auto view) {
        if (count <= kShortBlock) {
          add_few_prefixes(view);
        } else {
          add_prefixes(view);
          zeros_ += count - entries;
        }
      });
    } else if (content_.bits == 8) {
      codec::Histogram histogram = codec::histogram_of(words);
      histogram[0] = 0;
      if (has_negative_zero(content_.dtype)) histogram[0x80] = 0;
      for (size_t i = 0; i < histogram.size(); ++i) {
        if (histogram[i] > 0) palette_.add(i, histogram[i]);
        symbols_[i] += histogram[i];
      }
    } else {
      with_words(content_.dtype, words, [&](auto view) { add_symbols(view); });
      symbols_[0] = 0;
    }
  }

  // `count` entries of one word, which may be zero.
  void add_word(uint64_t word, uint64_t count) {
    entries_ += count;
    palette_.add(word, count);
    if (is_split(content_.dtype)) {
      joined_ |= word;
      few_.add(prefix_of(word), {&count, 1});
    } else if (content_.bits == 8) {
      symbols_[word] += count;
    } else {
      const DType dtype = content_.dtype;
      symbols_[int_buckets(dtype).symbol(int_number(dtype, word))] += count;
    }
  }

  // The top bits of a rotated word are those below its sign.
  size_t prefix_of(uint64_t word) const {
    return word >> (content_.bits - 1 - kPrefixBits) & (kPrefixes - 1);
  }

  // Zeros are left out.
  template <typename Word>
  void add_few_prefixes(Words<Word> view) {
    size_t first = kPrefixes;
    size_t last = 0;
    Word joined = 0;
    for (size_t i = 0; i < view.size(); ++i) {
      const Word word = view[i];
      const size_t prefix = prefix_of(word);
      joined |= word;
      if (Word(word << 1) == 0) continue;
      first = std::min(first, prefix);
      last = std::max(last, prefix);
    }
    joined_ |= joined;
    if (first > last) return;
    std::vector<uint64_t> counts(last - first + 1);
    for (size_t i = 0; i < view.size(); ++i) {
      if (Word(view[i] << 1) != 0) ++counts[prefix_of(view[i]) - first];
    }
    few_.add(first, counts);
  }

  template <typename Word>
  void add_prefixes(Words<Word> view) {
    prefixes_.resize(2 * kPrefixes);
    const unsigned shift = content_.bits - 1 - kPrefixBits;
    uint32_t* const even = prefixes_.data();
    uint32_t* const odd = even + kPrefixes;
    Word joined = 0;
    size_t i = 0;
    // Two counters for each prefix, so that equal neighbours do not wait for each other.
    for (; i + 2 <= view.size(); i += 2) {
      const Word a = view[i];
      const Word b = view[i + 1];
      joined |= a | b;
      ++even[a >> shift & (kPrefixes - 1)];
      ++odd[b >> shift & (kPrefixes - 1)];
    }
    if (i < view.size()) {
      joined |= view[i];
      ++even[view[i] >> shift & (kPrefixes - 1)];
    }
    joined_ |= joined;
  }

  template <typename Word>
  void add_symbols(Words<Word> view) {
    const BucketCode code = int_buckets(content_.dtype);
    for (size_t i = 0; i < view.size(); ++i) {
      ++symbols_[code.symbol(int_number(content_.dtype, view[i]))];
    }
  }

  const Content& content_;
  const Measure measure_;
  PaletteFinder palette_;
  const size_t width_;
  uint64_t entries_ = 0;
  uint64_t negative_zeros_ = 0;
  uint64_t zeros_ = 0;   // among `prefixes_`
  uint64_t joined_ = 0;  // all words, by "or"
  std::vector<uint32_t> prefixes_;
  PrefixCounts few_;  // those of short blocks and of codes
  codec::Histogram symbols_{};
};

}  // namespace

void PrefixCounts::add(uint64_t first, std::span<const uint64_t> counts) {
  while (!counts.empty() && counts.front() == 0) {
    counts = counts.subspan(1);
    ++first;
  }
  while (!counts.empty() && counts.back() == 0) counts = counts.first(counts.size() - 1);
  if (counts.empty()) return;
  if (counts_.empty()) first_ = first;
  if (first < first_) {
    counts_.insert(counts_.begin(), static_cast<size_t>(first_ - first), 0);
    first_ = first;
  }
  const auto at = static_cast<size_t>(first - first_);
  counts_.resize(std::max(counts_.size(), at + counts.size()));
  for (size_t i = 0; i < counts.size(); ++i) counts_[at + i] += counts[i];
}

Result<ValueStats> measure_values(const Content& content, Measure measure, const Work& work) {
  ValueStats stats;
  stats.has_values = measure == Measure::kAll;
  const bool visits = content.pieces != nullptr || content.pruning;
  uint64_t places = content.elements;
  if (content.row_ptr != nullptr && !visits) places = content.row_ptr[content.csr_rows];
  const uint64_t part_bytes = sizeof(Census) + WordIndex::bytes(kPaletteLogSlots) +
                              2 * kPrefixes * sizeof(uint32_t) +
                              (visits ? kBlockBytes + PieceStore::kReaderBytes : 0);
  DCF_ASSIGN(const Parallel parallel, work.threads_for(part_bytes));
  const bool sparse = visits && content.row_ptr != nullptr;
  const uint64_t part = std::clamp(ceil_div(places, parallel.width()), kParallelElements,
                                   sparse ? kSparseElements : kPartElements);
  if (places <= part) {
    // Most tensors of most files are small: nothing is made twice for them.
    Census all(content, measure);
    DCF_TRY(run_fallible(parallel, 1, [&](size_t) { return all.count(0, places); }));
    all.join(&stats);
    stats.palette = all.palette().take();
  } else {
    PaletteFinder palette(content.dtype, true);
    for (uint64_t begin = 0; begin < places;) {
      const uint64_t step = std::min(places - begin, part * parallel.width());
      std::vector<Census> parts(static_cast<size_t>(ceil_div(step, part)),
                                Census(content, measure));
      DCF_TRY(run_fallible(parallel, parts.size(), [&](size_t i) {
        const uint64_t from = begin + i * part;
        return parts[i].count(from, std::min(from + part, begin + step));
      }));
      for (Census& census : parts) {
        census.join(&stats);
        palette.join(census.palette());
      }
      begin += step;
      DCF_TRY(work.progress.poll());
    }
    stats.palette = palette.take();
  }
  if (!stats.has_values) stats.palette.reset();
  stats.zeros = content.elements - stats.entries - stats.negative_zeros;
  return stats;
}

}  // namespace dcf::impl::encode
