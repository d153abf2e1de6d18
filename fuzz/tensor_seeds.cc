// SPDX-License-Identifier: Apache-2.0
#include "tensor_seeds.h"

#include <algorithm>
#include <random>

#include "codec/bit_writer.h"
#include "codec/stream.h"
#include "exercise.h"
#include "model/chunk_decoder.h"
#include "tensor_case.h"

namespace dcf::fuzz {
namespace {

using namespace dcf::impl;  // NOLINT(google-build-using-namespace)
using dcf::impl::format::Role;

// A chunk of random entries for the tensor of a case, in the order of sections 7 and 8 of the spec.
class ChunkMaker {
 public:
  ChunkMaker(const Case& c, codec::HuffmanLayout layout, uint32_t seed)
      : t_(c.tensor),
        c_(c),
        roles_(format::roles_of(t_.encoding, t_.dtype)),
        layout_(layout),
        random_(seed) {}

  std::vector<uint8_t> make() {
    const format::Encoding& e = t_.encoding;
    if (e.is_sparse()) choose_positions();
    entries_ = e.is_sparse() ? static_cast<uint32_t>(gaps_.size()) : c_.entries;
    if (entries_ > 0) {
      positions();
      values();
    }
    const auto skipped = static_cast<uint32_t>(t_.elements) - (entries_ - fillers_);
    if (e.signs && skipped > 0) {
      std::vector<uint8_t> signs(ceil_div(skipped, 8));
      for (uint8_t& byte : signs) byte = static_cast<uint8_t>(random_());
      if (skipped % 8 != 0) signs.back() &= static_cast<uint8_t>(codec::low_mask(skipped % 8));
      stream(Role::kSigns, signs);
    }
    return std::move(out_);
  }
  uint32_t entries() const { return entries_; }

 private:
  size_t index(Role role) const { return roles_.find(role); }
  unsigned alphabet(Role role) const { return roles_.list[index(role)].alphabet; }
  const codec::CodeLengths* code(Role role, size_t of_class = 0) const {
    const uint32_t id = t_.tables[index(role) + of_class];
    return id == 0 ? nullptr : &c_.tables.codes[id - 1];
  }
  // As often as its code wants it, so that Huffman pays; without a code, any symbol.
  uint8_t draw(Role role, size_t of_class = 0) {
    const codec::CodeLengths* lengths = code(role, of_class);
    if (lengths == nullptr) return static_cast<uint8_t>(random_() % alphabet(role));
    for (;;) {
      const unsigned symbol = random_() % alphabet(role);
      const unsigned length = lengths->length(symbol);
      if (length != 0 && random_() % (1u << length) == 0) return static_cast<uint8_t>(symbol);
    }
  }
  void stream(Role role, Bytes symbols) {
    codec::encode_stream(symbols, alphabet(role), code(role), layout_, &out_);
  }
  size_t class_of(size_t element) const {
    const format::Encoding& e = t_.encoding;
    return e.has_classes()
               ? c_.tables.unit_maps[e.delta_units + element / e.class_run % e.class_units]
               : 0;
  }
  void value_streams(Bytes symbols) {
    for (size_t c = 0; c < std::max<size_t>(t_.encoding.classes, 1); ++c) {
      std::vector<uint8_t> of_class;
      for (size_t i = 0; i < symbols.size(); ++i) {
        if (class_of(i) == c) of_class.push_back(symbols[i]);
      }
      if (of_class.empty()) continue;
      codec::encode_stream(of_class, alphabet(Role::kValues), code(Role::kValues, c), layout_,
                           &out_);
    }
  }
  void numbers(Role role, BucketCode bucket, const std::vector<uint32_t>& values) {
    std::vector<uint8_t> symbols(values.size());
    require(codec::bucket_symbols<uint32_t>(values, bucket, alphabet(role), symbols).ok(),
            "a number is too large");
    codec::encode_bucket_stream<uint32_t>(values, symbols, bucket, alphabet(role), code(role),
                                          layout_, &out_);
  }

  // Rows of gaps; those of the paper's mode come from its alphabet.
  void choose_positions() {
    const bool paper = t_.encoding.positions == format::Positions::kGap;
    for (uint64_t start = 0; start < t_.elements; start += t_.view.cols) {
      const uint64_t cols = std::min<uint64_t>(t_.view.cols, t_.elements - start);
      const size_t before = gaps_.size();
      for (uint64_t column = 0;;) {
        const uint32_t gap = paper ? draw(Role::kGaps) : random_() % 24;
        if (column + gap >= cols) break;
        gaps_.push_back(gap);
        column += gap + 1;
        elements_.push_back(start + column - 1);
      }
      counts_.push_back(static_cast<uint32_t>(gaps_.size() - before));
    }
  }
  void positions() {
    const format::Encoding& e = t_.encoding;
    if (!e.is_sparse()) return;
    if (e.positions == format::Positions::kBitmap) {
      std::vector<uint8_t> bitmap(ceil_div(t_.elements, 8));
      for (const uint64_t at : elements_) bitmap[at / 8] |= static_cast<uint8_t>(1u << (at % 8));
      return stream(Role::kBitmap, bitmap);
    }
    if (counts_.size() > 1) numbers(Role::kCounts, kCountBuckets, counts_);
    if (e.positions == format::Positions::kGap) {
      return stream(Role::kGaps, std::vector<uint8_t>(gaps_.begin(), gaps_.end()));
    }
    numbers(Role::kGaps, BucketCode{e.bucket_t, e.bucket_s}, gaps_);
  }

  // Whether a filler may stand at each entry.
  std::vector<bool> room_for_fillers() const {
    std::vector<bool> room(entries_);
    if (t_.encoding.positions != format::Positions::kGap) return room;
    size_t i = 0;
    for (const uint32_t count : counts_) {
      for (uint32_t k = 0; k < count; ++k, ++i) {
        room[i] = k + 1 < count && gaps_[i] == codec::low_mask(t_.encoding.gap_bits);
      }
    }
    return room;
  }
  void values() {
    const format::Encoding& e = t_.encoding;
    const bool numbers = e.values == format::Values::kInt || e.values == format::Values::kDelta;
    if (e.has_scales() || (numbers && t_.bits > 8)) return integers();
    const std::vector<bool> room = room_for_fillers();
    const bool palette_fillers =
        e.values == format::Values::kPalette && e.positions == format::Positions::kGap;
    std::vector<uint8_t> symbols(entries_);
    for (uint32_t i = 0; i < entries_; ++i) {
      symbols[i] = draw(Role::kValues, class_of(i));
      if (palette_fillers && symbols[i] == 0 && !room[i]) symbols[i] = 1;
      if (e.values == format::Values::kInt && e.is_sparse() && symbols[i] == 0) symbols[i] = 1;
      fillers_ += palette_fillers && symbols[i] == 0;
    }
    value_streams(symbols);
    codec::BitWriter writer(&out_);
    if (e.values == format::Values::kDictionary) {
      for (uint32_t i = 0; i < entries_; ++i) {
        const uint32_t first = uint32_t{symbols[i]} << e.index_bits();
        writer.put(random_() % std::min(1u << e.index_bits(), e.palette_size - first),
                   e.index_bits());
      }
    }
    if (e.values == format::Values::kSplit || e.values == format::Values::kClassSplit) {
      const size_t strings = e.values == format::Values::kSplit ? 1 : e.classes;
      for (size_t c = 0; c < strings; ++c) {
        // Lowest bit the sign; another one is set, so that no word is zero.
        const unsigned rest = t_.bits - e.split_t - e.zero_bits(c);
        for (uint32_t i = 0; i < entries_; ++i) {
          if (strings == 1 || class_of(i) == c) writer.put(uint64_t{random_()} | 2, rest);
        }
        writer.finish();
      }
    }
    writer.finish();
  }
  void integers() {
    std::vector<uint64_t> values;
    for (uint32_t i = 0; i < entries_; ++i) values.push_back(1 + random_() % 1000);
    const bool wide = t_.bits == 64 && !t_.encoding.has_scales();
    const BucketCode bucket = wide ? kInt64Buckets : kIntBuckets;
    std::vector<uint8_t> symbols(values.size());
    require(codec::bucket_symbols<uint64_t>(values, bucket, alphabet(Role::kValues), symbols).ok(),
            "a number is too large");
    value_streams(symbols);
    codec::encode_bucket_extra<uint64_t>(values, symbols, bucket, alphabet(Role::kValues), &out_);
  }

  const format::Tensor& t_;
  const Case& c_;
  format::Roles roles_;
  codec::HuffmanLayout layout_;
  std::mt19937 random_;
  uint32_t entries_ = 0;
  uint32_t fillers_ = 0;
  std::vector<uint32_t> gaps_;
  std::vector<uint64_t> elements_;
  std::vector<uint32_t> counts_;
  std::vector<uint8_t> out_;
};

Status decode(const Case& c, Bytes chunk) {
  model::ChunkScratch scratch;
  const model::TensorCoding coding(c.tensor, c.tables, 0);
  return model::decode_chunk(coding, model::chunk_shape(c.tensor, 0, c.entries), chunk, &scratch)
      .status();
}

}  // namespace

std::vector<std::vector<uint8_t>> tensor_seeds() {
  std::vector<std::vector<uint8_t>> seeds;
  std::mt19937 random(1);
  for (uint8_t positions = 0; positions <= format::kClassesId; ++positions) {
    for (unsigned variant = 0; variant < 35; ++variant) {
      std::vector<uint8_t> seed(kParameters);
      for (uint8_t& byte : seed) byte = static_cast<uint8_t>(random());
      constexpr DType kDTypes[] = {DType::kF32, DType::kI32, DType::kF16, DType::kI8, DType::kU64};
      seed[0] = static_cast<uint8_t>(static_cast<uint8_t>(kDTypes[variant / 7]) - 1);
      seed[1] = positions;
      seed[2] = variant % 7;                // as read_encoding() picks them
      seed[11] = 30;                        // columns
      seed[12] = variant % 4 == 0 ? 0 : 8;  // rows
      seed[16] = 15;                        // tables for all roles
      Case c = read_case(seed.data());
      ChunkMaker maker(
          c, variant % 3 == 0 ? codec::HuffmanLayout::kStreams : codec::HuffmanLayout::kTree,
          static_cast<uint32_t>(random()));
      const std::vector<uint8_t> chunk = maker.make();
      store_le(&seed[kEntriesAt], static_cast<uint16_t>(maker.entries()));
      c = read_case(seed.data());
      require(decode(c, chunk).ok(), "a seed is not sound");
      seed.insert(seed.end(), chunk.begin(), chunk.end());
      seeds.push_back(std::move(seed));
    }
  }
  return seeds;
}

}  // namespace dcf::fuzz
