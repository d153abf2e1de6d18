// SPDX-License-Identifier: Apache-2.0
#include "encode/write/chunk_encoder.h"

#include <bit>

#include "base/checked.h"
#include "base/hash.h"
#include "codec/bit_writer.h"
#include "codec/stream.h"
#include "encode/content/class_map.h"
#include "encode/content/delta_words.h"
#include "encode/plan/palette.h"
#include "encode/plan/position_plan.h"
#include "encode/plan/split_words.h"
#include "encode/plan/stats.h"
#include "encode/plan/value_plan.h"
#include "encode/round/grid_codes.h"

namespace dcf::impl::encode {

using format::Role;

namespace {

// The number of elements of `bits` bits that have a bit set. The decoder counts with code of its
// own (model/count_nonzeros.h says why).
uint64_t count_not_zero(Bytes bytes, uint64_t elements, uint32_t bits) {
  codec::BitReader reader(bytes);
  uint64_t count = 0;
  for (uint64_t i = 0; i < elements; ++i) {
    uint64_t any = 0;
    for (uint32_t left = bits; left > 0;) {
      const unsigned step = std::min<uint32_t>(left, 64);
      any |= reader.read(step);
      left -= step;
    }
    count += any != 0;
  }
  return count;
}

// The fields of split values of one word, and of as many words as 64 bits have lanes for.
template <typename Word>
class RestFields {
 public:
  static constexpr unsigned kBits = 8 * sizeof(Word);
  static constexpr unsigned kLanes = 64 / kBits;

  RestFields(unsigned z, unsigned rest)
      : z_(z), rest_(rest), mask_(static_cast<Word>(codec::low_mask(rest) & ~uint64_t{1})) {}

  Word of(Word word) const {
    const Word rotated = std::rotl(word, 1);
    return static_cast<Word>((rotated & 1) | (rotated >> z_ & mask_));
  }

  uint64_t joined(uint64_t words) const {
    const uint64_t signs = words >> (kBits - 1) & kOnes;
    uint64_t fields = signs | ((words << 1 & ~kOnes) >> z_ & mask_ * kOnes);
    for (unsigned lane = kBits, width = rest_; lane < 64; lane *= 2, width *= 2) {
      // Each second field goes beside the one before it.
      const uint64_t low = kAll / (codec::low_mask(lane) + 2);
      fields = (fields & low) | (fields >> lane & low) << width;
    }
    return fields;
  }

 private:
  static constexpr uint64_t kAll = ~uint64_t{0};
  static constexpr uint64_t kOnes = kAll / codec::low_mask(kBits);  // 1 in each lane

  unsigned z_;
  unsigned rest_;
  Word mask_;
};

class ChunkEncoder {
 public:
  ChunkEncoder(const Content& content, const Recipe& recipe, uint64_t chunk, EncodedChunk* result)
      : content_(content),
        recipe_(recipe),
        encoding_(recipe.encoding),
        chunk_(chunk),
        roles_(format::roles_of(recipe.encoding, content.dtype)),
        elements_(recipe.grid.chunk_end(chunk) - recipe.grid.chunk_begin(chunk)),
        result_(*result) {
    result_.bytes.clear();
    result_.nonzeros = 0;
    result_.huffman = {};
  }

  Status run() {
    DCF_TRY(encoding_.is_sparse() ? sparse() : dense());
    result_.hash = hash_bytes(result_.bytes);
    return ok_status();
  }

 private:
  Status dense() {
    std::vector<uint8_t> scratch;
    DCF_ASSIGN(const Bytes words, content_.rows(recipe_.grid.view, recipe_.grid.first_row(chunk_),
                                                recipe_.grid.chunk_rows(chunk_), &scratch));
    result_.entries = static_cast<uint32_t>(elements_);
    result_.nonzeros = static_cast<uint32_t>(is_raw_only(content_.dtype)
                                                 ? count_not_zero(words, elements_, content_.bits)
                                                 : count_nonzeros(content_.dtype, words));
    if (encoding_.is_raw()) {
      result_.bytes.assign(words.begin(), words.end());
    } else {
      values(words);
    }
    return ok_status();
  }

  Status sparse() {
    const Grid& grid = recipe_.grid;
    DCF_TRY(content_.extract(grid.view, grid.first_row(chunk_), grid.chunk_rows(chunk_), &block_));
    result_.nonzeros = static_cast<uint32_t>(block_.offsets.size());
    result_.entries = result_.nonzeros;
    if (!block_.offsets.empty()) {
      if (encoding_.positions == format::Positions::kBitmap) {
        stream(Role::kBitmap, bitmap_bits(block_, elements_));
      } else {
        gaps();
      }
      values(block_.words);
    }
    if (encoding_.signs && block_.offsets.size() < elements_) {
      stream(Role::kSigns, sign_bits(block_, elements_));
    }
    return ok_status();
  }

  // Finds counts and gaps, and in fillers_ how many fillers stand before each entry.
  void gaps() {
    const uint32_t cols = recipe_.grid.view.cols;
    const uint64_t rows = recipe_.grid.chunk_rows(chunk_);
    const bool fixed = encoding_.positions == format::Positions::kGap;
    std::vector<uint32_t> counts(rows);
    std::vector<uint32_t> gaps;
    gaps.reserve(block_.offsets.size());
    uint64_t row = 0;
    uint64_t next = 0;
    uint64_t row_end = cols;
    for (const uint32_t offset : block_.offsets) {
      if (offset >= row_end) {
        row = offset / cols;
        next = row * cols;
        row_end = next + cols;
      }
      const auto gap = static_cast<uint32_t>(offset - next);
      const uint32_t fillers = fixed ? gap >> encoding_.gap_bits : 0;
      if (fixed) {
        const uint32_t last = (1u << encoding_.gap_bits) - 1;
        gaps.insert(gaps.end(), fillers, last);
        gaps.push_back(gap & last);
        if (fillers > 0) has_fillers_ = true;
        fillers_.push_back(fillers);
      } else {
        gaps.push_back(gap);
      }
      counts[row] += fillers + 1;
      next = offset + 1;
    }
    result_.entries = static_cast<uint32_t>(gaps.size());
    if (rows > 1) buckets<uint32_t>(Role::kCounts, counts, kCountBuckets);
    if (fixed) {
      stream(Role::kGaps, std::vector<uint8_t>(gaps.begin(), gaps.end()));
    } else {
      buckets<uint32_t>(Role::kGaps, gaps, {encoding_.bucket_t, encoding_.bucket_s});
    }
  }

  // `words` of all elements, or of the entries without fillers.
  void values(Bytes words) {
    if (encoding_.values == format::Values::kPalette) {
      std::vector<uint8_t> codes(words.size() / content_.width());
      encode_palette(content_.dtype, recipe_.codebook, words, codes);
      if (encoding_.positions == format::Positions::kGap) {
        for (uint8_t& code : codes) ++code;
        codes = with_fillers(codes, 1);
      }
      stream(Role::kValues, codes);
      return;
    }
    std::vector<uint8_t> filled;
    if (has_fillers_) words = filled = with_fillers(words, content_.width());
    if (encoding_.values == format::Values::kSplit) {
      split(words);
    } else if (encoding_.has_scales()) {
      GridScratch scratch;
      // Those of the plan are on the grid.
      const GridCodes all = *grid_codes(content_, encoding_.values, recipe_.scales,
                                        recipe_.grid.chunk_begin(chunk_), words, &scratch);
      value_streams(all.symbols);
      codec::encode_bucket_extra(all.numbers, all.symbols, kIntBuckets,
                                 roles_.list[roles_.find(Role::kValues)].alphabet, &result_.bytes);
    } else if (encoding_.values == format::Values::kDelta) {
      differences(words);
    } else if (encoding_.values == format::Values::kClassSplit) {
      class_split(words);
    } else if (encoding_.values == format::Values::kDictionary) {
      dictionary(words);
    } else if (content_.bits == 8) {
      value_streams(words);
    } else if (content_.bits == 64) {
      numbers<uint64_t>(words);
    } else {
      numbers<uint32_t>(words);
    }
  }

  // The words of the entries, with zeros of `width` bytes for the fillers.
  std::vector<uint8_t> with_fillers(Bytes values, size_t width) const {
    std::vector<uint8_t> out;
    out.reserve(result_.entries * width);
    for (size_t i = 0; i < fillers_.size(); ++i) {
      out.resize(out.size() + fillers_[i] * width);
      out.insert(out.end(), values.begin() + static_cast<ptrdiff_t>(i * width),
                 values.begin() + static_cast<ptrdiff_t>((i + 1) * width));
    }
    return out;
  }

  void split(Bytes words) {
    std::vector<uint8_t>& symbols = result_.scratch;
    split_symbols(content_.dtype, encoding_, words, &symbols);
    value_streams(symbols);
    pack_rests(words, encoding_.split_z);
  }

  void class_split(Bytes words) {
    const std::vector<std::vector<uint8_t>> groups = group_by_class(
        encoding_, recipe_.class_map, recipe_.grid.chunk_begin(chunk_), words, content_.width());
    for (size_t c = 0; c < groups.size(); ++c) {
      if (groups[c].empty()) continue;
      split_symbols(content_.dtype, encoding_, groups[c], &result_.scratch);
      stream(roles_.find(Role::kValues) + c, result_.scratch);
    }
    for (size_t c = 0; c < groups.size(); ++c) pack_rests(groups[c], encoding_.zero_bits(c));
  }

  // The fields of split values: the sign, then the bits above z zeros.
  void pack_rests(Bytes words, unsigned z) {
    const unsigned rest = content_.bits - encoding_.split_t - z;
    with_words(content_.dtype, words, [&]<typename Word>(Words<Word> view) {
      const RestFields<Word> fields(z, rest);
      codec::pack_fields<RestFields<Word>::kLanes>(
          view.size(), rest, [=](size_t i) { return fields.of(view[i]); },
          [=](size_t i) { return fields.joined(load_le<uint64_t>(view.at(i))); }, &result_.bytes);
    });
  }

  void differences(Bytes words) {
    const std::vector<uint64_t> all =
        delta_numbers(content_.dtype, encoding_, recipe_.predictors,
                      recipe_.grid.chunk_begin(chunk_), recipe_.grid.view.cols, words);
    if (content_.bits == 8) return value_streams(std::vector<uint8_t>(all.begin(), all.end()));
    buckets<uint64_t>(Role::kValues, all, int_buckets(content_.dtype));
  }

  void dictionary(Bytes words) {
    const unsigned low_bits = encoding_.index_bits();
    std::vector<uint16_t> indices(words.size() / content_.width());
    std::vector<uint8_t>& symbols = result_.scratch;
    symbols.resize(indices.size());
    with_words(content_.dtype, words, [&](auto view) {
      for (size_t i = 0; i < indices.size(); ++i) {
        indices[i] = static_cast<uint16_t>(recipe_.dictionary->find(view[i]));
        symbols[i] = static_cast<uint8_t>(indices[i] >> low_bits);
      }
    });
    stream(Role::kValues, symbols);
    codec::pack_bits<uint16_t>(indices, low_bits, &result_.bytes);
  }

  template <typename T>
  void numbers(Bytes words) {
    std::vector<T> all(words.size() / content_.width());
    for (size_t i = 0; i < all.size(); ++i) {
      const uint64_t word = load_word(words.data() + i * content_.width(), content_.width());
      all[i] = static_cast<T>(int_number(content_.dtype, word));
    }
    buckets<T>(Role::kValues, all, int_buckets(content_.dtype));
  }

  template <typename T>
  void buckets(Role role, std::span<const T> all, BucketCode code) {
    const size_t k = roles_.find(role);
    std::vector<uint8_t> symbols(all.size());
    // Cannot fail: alphabets cover all numbers of their kind.
    (void)codec::bucket_symbols(all, code, roles_.list[k].alphabet, symbols);
    if (role == Role::kValues) {
      value_streams(symbols);
    } else {
      stream(k, symbols);
    }
    codec::encode_bucket_extra(all, Bytes(symbols), code, roles_.list[k].alphabet, &result_.bytes);
  }

  void value_streams(Bytes symbols) {
    if (!encoding_.has_classes()) return stream(Role::kValues, symbols);
    const std::vector<std::vector<uint8_t>> groups =
        group_by_class(encoding_, recipe_.class_map, recipe_.grid.chunk_begin(chunk_), symbols, 1);
    for (size_t c = 0; c < groups.size(); ++c) {
      if (!groups[c].empty()) stream(roles_.find(Role::kValues) + c, groups[c]);
    }
  }

  void stream(Role role, Bytes symbols) { stream(roles_.find(role), symbols); }
  // Of role k of the list.
  void stream(size_t k, Bytes symbols) {
    const size_t at = result_.bytes.size();
    codec::encode_stream(symbols, roles_.list[k].alphabet, code_of(k), codec::HuffmanLayout::kAuto,
                         &result_.bytes);
    note(k, at);
  }

  const codec::CodeLengths* code_of(size_t k) const {
    return recipe_.codes[k] ? &*recipe_.codes[k] : nullptr;
  }
  void note(size_t k, size_t at) {
    if (codec::is_huffman(result_.bytes[at])) result_.huffman[k] = true;
  }

  const Content& content_;
  const Recipe& recipe_;
  const format::Encoding& encoding_;
  const uint64_t chunk_;
  const format::Roles roles_;
  const uint64_t elements_;
  EncodedChunk& result_;
  EntryBlock block_;
  bool has_fillers_ = false;
  std::vector<uint32_t> fillers_;  // gap positions: number of fillers before each entry
};

}  // namespace

Status encode_chunk(const Content& content, const Recipe& recipe, uint64_t chunk,
                    EncodedChunk* out) {
  return ChunkEncoder(content, recipe, chunk, out).run();
}

}  // namespace dcf::impl::encode
