// SPDX-License-Identifier: Apache-2.0
#include "support/sample.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <set>
#include <stdexcept>

#include "base/checked.h"
#include "base/float_convert.h"
#include "codec/bit_writer.h"
#include "codec/codebook.h"
#include "codec/package_merge.h"

namespace dcf::impl::testing {

using format::Encoding;
using format::Role;
using format::Values;

namespace {

// A stream of a role, or bytes that stand between streams.
struct Piece {
  std::optional<size_t> role;  // index into the roles of the tensor
  Blob bytes;
};
using Pieces = std::vector<Piece>;

struct Encoded {
  format::Tensor tensor;
  std::vector<Pieces> chunks;
  std::vector<uint32_t> entries;
  std::vector<uint64_t> codebook;
  std::vector<float> scales;
  Blob predictors;
  Blob class_map;
  std::array<std::optional<codec::CodeLengths>, format::kMaxRoles> codes;
};

bool is_zero(DType dtype, uint64_t word) {
  return (word & magnitude_mask(dtype)) == 0;
}

uint64_t rotate(uint64_t word, unsigned bits) {
  return ((word << 1) | (word >> (bits - 1))) & codec::low_mask(bits);
}

uint64_t zigzag(DType dtype, uint64_t word) {
  if (!is_signed_integer(dtype)) return word;
  const unsigned bits = dtype_bits(dtype);
  const bool negative = (word >> (bits - 1)) != 0;
  return ((word << 1) ^ (negative ? ~uint64_t{0} : 0)) & codec::low_mask(bits);
}

class Encoder {
 public:
  explicit Encoder(const Sample& sample) : s_(sample) {
    format::Tensor& t = out_.tensor;
    t.name = s_.name;
    t.dtype = s_.dtype;
    t.bits = bits_of(s_);
    t.opaque_name = s_.opaque_name;
    t.dims = s_.dims;
    t.elements = 1;
    for (const uint64_t d : t.dims) t.elements *= d;
    t.encoding = s_.encoding;
    if (t.elements == 0) return;
    t.view = s_.view;
    if (t.view.cols == 0)
      t.view.cols = static_cast<uint32_t>(format::default_view_cols(t.dims, t.elements));
    t.rows_per_chunk =
        s_.rows_per_chunk == 0 ? static_cast<uint32_t>(t.view_rows()) : s_.rows_per_chunk;
    t.chunks = ceil_div(t.view_rows(), t.rows_per_chunk);
  }

  Encoded run() {
    if (!s_.alias_of.empty()) {
      out_.tensor.chunks = 0;
      return std::move(out_);
    }
    choose_parameters();
    choose_predictors();
    choose_classes();
    choose_scales();
    for (uint64_t i = 0; i < out_.tensor.chunks; ++i) {
      if (s_.encoding.is_raw())
        raw_chunk(i);
      else
        chunk(i);
    }
    if (s_.huffman) make_codes();
    return std::move(out_);
  }

 private:
  uint64_t element(uint64_t v) const {
    const format::Tensor& t = out_.tensor;
    return t.view.transposed ? v % t.view.cols * t.view_rows() + v / t.view.cols : v;
  }
  bool kept(uint64_t e) const {
    if (!s_.encoding.is_sparse()) return true;
    return s_.kept.empty() ? !is_zero(s_.dtype, s_.words[e]) : s_.kept[e];
  }

  void choose_parameters() {
    Encoding& e = out_.tensor.encoding;
    std::set<uint64_t> used(s_.more_codes.begin(), s_.more_codes.end());
    for (uint64_t i = 0; i < s_.words.size(); ++i) {
      if (kept(i)) used.insert(s_.words[i]);
    }
    if (e.values == Values::kPalette || e.values == Values::kDictionary) {
      if (used.empty()) used.insert(0);
      // A dictionary has more than 256 words: small ones as well.
      for (uint64_t w = 0; e.values == Values::kDictionary && used.size() <= 256; ++w)
        used.insert(w);
      out_.codebook.assign(used.begin(), used.end());
      codec::sort_codebook(out_.codebook, s_.dtype);
      for (size_t i = 0; i < out_.codebook.size(); ++i)
        code_of_[out_.codebook[i]] = static_cast<uint32_t>(i);
      e.palette_size = static_cast<uint32_t>(out_.codebook.size());
    }
    if (e.values == Values::kSplit || e.values == Values::kClassSplit) {
      const unsigned bits = out_.tensor.bits;
      if (e.positions == format::Positions::kGap) used.insert(0);
      uint64_t low = ~uint64_t{0};
      uint64_t high = 0;
      uint64_t any = 0;
      for (const uint64_t word : used) {
        const uint64_t r = rotate(word, bits);
        low = std::min(low, r >> (bits - e.split_t));
        high = std::max(high, r >> (bits - e.split_t));
        any |= (r & codec::low_mask(bits - e.split_t)) >> 1;
      }
      e.split_base = static_cast<uint16_t>(used.empty() ? 0 : low);
      e.split_symbols = static_cast<uint16_t>(used.empty() ? 1 : high - low + 1);
      const unsigned room = bits - e.split_t - 1;
      e.split_z = static_cast<uint8_t>(
          std::min<unsigned>(room, any == 0 ? room : static_cast<unsigned>(std::countr_zero(any))));
    }
  }

  void raw_chunk(uint64_t i) {
    const format::Tensor& t = out_.tensor;
    const Blob all = dense_bytes(s_);
    const uint64_t first = i * t.chunk_stride() * t.bits / 8;
    const uint64_t size = ceil_div(t.chunk_elements(i) * t.bits, 8);
    out_.chunks.push_back(
        {{std::nullopt, Blob(all.begin() + static_cast<ptrdiff_t>(first),
                             all.begin() + static_cast<ptrdiff_t>(first + size))}});
    out_.entries.push_back(static_cast<uint32_t>(t.chunk_elements(i)));
    if (s_.dense.empty()) {
      for (uint64_t k = 0; k < t.chunk_elements(i); ++k) {
        const uint64_t word = s_.words[i * t.chunk_stride() + k];
        out_.tensor.nonzeros += is_raw_only(s_.dtype) ? word != 0 : !is_zero(s_.dtype, word);
      }
    }
  }

  void stream(Role role, Blob symbols, size_t of_class = 0) {
    const format::Roles roles = format::roles_of(out_.tensor.encoding, s_.dtype);
    pieces_.push_back({roles.find(role) + of_class, std::move(symbols)});
  }
  // Section 8.5.
  void choose_predictors() {
    Encoding& e = out_.tensor.encoding;
    if (e.values != Values::kDelta) return;
    if (uint64_t{e.delta_run} * e.delta_units > out_.tensor.elements) {
      e.delta_run = 1;
      e.delta_units =
          static_cast<uint32_t>(std::min<uint64_t>(e.delta_units, out_.tensor.elements));
    }
    out_.predictors = s_.predictors;
    while (out_.predictors.size() < e.delta_units) {
      out_.predictors.push_back(
          static_cast<uint8_t>(out_.predictors.size() % (e.distance_count + 1u)));
    }
  }
  // The difference of element v of the view, in column c of its row, to what its predictor finds.
  uint64_t difference(uint64_t v, uint64_t c) const {
    const Encoding& e = out_.tensor.encoding;
    const unsigned predictor = out_.predictors[v / e.delta_run % e.delta_units];
    const uint64_t distance = predictor == 0 ? 0 : e.distances[predictor - 1];
    const bool has = distance != 0 && distance <= c;
    const uint64_t before = has ? s_.words[element(v - distance)] : 0;
    return (codebook_key(s_.dtype, s_.words[element(v)]) - codebook_key(s_.dtype, before)) &
           codec::low_mask(out_.tensor.bits);
  }
  // Section 7.6.
  void choose_classes() {
    Encoding& e = out_.tensor.encoding;
    if (e.classes == 0) return;
    if (uint64_t{e.class_run} * e.class_units > out_.tensor.elements) {
      e.class_run = 1;
      e.class_units =
          static_cast<uint32_t>(std::min<uint64_t>(e.class_units, out_.tensor.elements));
    }
    if (e.class_units < 2) {
      if (e.values == Values::kClassSplit) e.values = Values::kSplit;
      e.classes = 0;
      e.class_run = e.class_units = 0;
      return;
    }
    out_.class_map = s_.class_map;
    while (out_.class_map.size() < e.class_units) {
      out_.class_map.push_back(static_cast<uint8_t>(out_.class_map.size() % e.classes));
    }
    if (e.values == Values::kClassSplit) choose_zeros();
  }
  uint8_t class_of(uint64_t v) const {  // of an element of the view
    const Encoding& e = out_.tensor.encoding;
    return out_.class_map[v / e.class_run % e.class_units];
  }
  // Section 8.2, class-split.
  void choose_zeros() {
    Encoding& e = out_.tensor.encoding;
    const unsigned room = out_.tensor.bits - e.split_t - 1;
    e.split_z = 0;
    e.class_z = {};
    std::fill(e.class_z.begin(), e.class_z.begin() + e.classes, static_cast<uint8_t>(room));
    for (uint64_t v = 0; v < out_.tensor.elements; ++v) {
      const uint64_t mantissa = rotate(s_.words[element(v)], out_.tensor.bits) >> 1;
      uint8_t& z = e.class_z[class_of(v)];
      while (z > 0 && (mantissa & codec::low_mask(z)) != 0) --z;
    }
  }
  // Section 8.4.
  void choose_scales() {
    Encoding& e = out_.tensor.encoding;
    if (!e.has_scales()) return;
    if (uint64_t{e.grid_run} * e.grid_units > out_.tensor.elements) {
      e.grid_run = 1;
      e.grid_units = static_cast<uint32_t>(std::min<uint64_t>(e.grid_units, out_.tensor.elements));
    }
    out_.scales = s_.scales;
    while (out_.scales.size() < e.grid_units) {
      // All multiples of four are trellis values.
      const float scale = e.values == Values::kTrellis ? 0.03125F : 0.125F;
      out_.scales.push_back(std::ldexp(scale, -static_cast<int>(out_.scales.size() % 3)));
    }
  }
  // The integer of element v of the view, its sign lowest.
  uint64_t grid_number(uint64_t v, uint64_t word) const {
    const Encoding& e = out_.tensor.encoding;
    const float scale = out_.scales[v / e.grid_run % e.grid_units];
    const double value = word_to_double(s_.dtype, word);
    const double quotient = scale == 0 ? 0 : std::abs(value) / double{scale};
    const auto k = static_cast<uint64_t>(std::clamp(std::round(quotient), 0.0, 0x1p31 - 1));
    const float product = static_cast<float>(k) * scale;
    const bool negative = std::signbit(value);
    if (double_to_word(s_.dtype, double{negative ? -product : product}) != word) {
      throw std::invalid_argument("a word of a sample is not on its grid");
    }
    return 2 * k + (negative ? 1 : 0);
  }
  // Trellis: the numbers of integers, which are those of whole rows.
  static std::vector<uint64_t> halved(const std::vector<uint64_t>& integers, uint32_t cols) {
    std::vector<uint64_t> out;
    std::vector<int64_t> k;
    std::vector<int64_t> q;
    for (const uint64_t integer : integers) {
      const size_t c = k.size();
      const auto magnitude = static_cast<int64_t>(integer >> 1);
      q.push_back((integer & 1) != 0 ? -magnitude : magnitude);
      int64_t offset = c < 2 ? 0 : q[c - 2];
      if (c > 0) offset += k[c - 1];
      if (((q[c] - offset) & 1) != 0 || integer == 1) {
        throw std::invalid_argument("the words of a sample are no trellis values");
      }
      k.push_back(q[c] >> 1);
      out.push_back(k[c] < 0 ? static_cast<uint64_t>(-2 * k[c] - 1)
                             : static_cast<uint64_t>(2 * k[c]));
      if (k.size() < cols) continue;
      k.clear();
      q.clear();
    }
    return out;
  }
  void value_streams(uint64_t first, const Blob& symbols) {
    const Encoding& e = out_.tensor.encoding;
    if (e.classes == 0) return stream(Role::kValues, symbols);
    for (uint8_t c = 0; c < e.classes; ++c) {
      Blob of_class;
      for (size_t i = 0; i < symbols.size(); ++i) {
        if (class_of(first + i) == c) of_class.push_back(symbols[i]);
      }
      if (!of_class.empty()) stream(Role::kValues, of_class, c);
    }
  }
  void numbers(Role role, uint64_t first, const std::vector<uint64_t>& values, BucketCode code) {
    Blob symbols;
    Blob extra;
    codec::BitWriter writer(&extra);
    for (const uint64_t v : values) {
      symbols.push_back(static_cast<uint8_t>(code.symbol(v)));
      writer.put(v, code.extra_bits(symbols.back()));
    }
    writer.finish();
    if (role == Role::kValues) {
      value_streams(first, symbols);
    } else {
      stream(role, symbols);
    }
    pieces_.push_back({std::nullopt, extra});
  }

  void chunk(uint64_t index) {
    const format::Tensor& t = out_.tensor;
    const Encoding& e = t.encoding;
    const uint64_t first = index * t.chunk_stride();
    const uint64_t elements = t.chunk_elements(index);
    pieces_.clear();
    std::vector<uint64_t> words;  // of the entries; kFiller marks fillers
    std::vector<bool> fillers;
    std::vector<uint64_t> counts;
    std::vector<uint64_t> gaps;
    Blob bitmap(ceil_div(elements, 8));
    std::vector<bool> signs;
    for (uint64_t row = 0; row * t.view.cols < elements; ++row) {
      const size_t before = words.size();
      int64_t column = -1;
      for (uint64_t c = 0; c < t.view.cols && row * t.view.cols + c < elements; ++c) {
        const uint64_t at = row * t.view.cols + c;
        const uint64_t from = element(first + at);
        if (!kept(from)) {
          signs.push_back(s_.words[from] != 0);
          continue;
        }
        uint64_t gap = c - static_cast<uint64_t>(column) - 1;
        if (e.positions == format::Positions::kGap) {
          for (; gap >= uint64_t{1} << e.gap_bits; gap -= uint64_t{1} << e.gap_bits) {
            gaps.push_back((1u << e.gap_bits) - 1);
            words.push_back(0);
            fillers.push_back(true);
          }
        }
        gaps.push_back(gap);
        words.push_back(s_.words[from]);
        fillers.push_back(false);
        bitmap[at / 8] = static_cast<uint8_t>(bitmap[at / 8] | (1u << (at % 8)));
        column = static_cast<int64_t>(c);
        out_.tensor.nonzeros += e.is_sparse() || !is_zero(s_.dtype, s_.words[from]);
      }
      counts.push_back(words.size() - before);
    }
    if (!words.empty()) {
      positions(e, counts, gaps, bitmap);
      values(e, first, words, fillers);
    }
    if (e.signs && !signs.empty()) {
      Blob bytes(ceil_div(signs.size(), 8));
      for (size_t i = 0; i < signs.size(); ++i)
        bytes[i / 8] = static_cast<uint8_t>(bytes[i / 8] | (signs[i] << (i % 8)));
      stream(Role::kSigns, bytes);
    }
    out_.chunks.push_back(pieces_);
    out_.entries.push_back(static_cast<uint32_t>(words.size()));
  }

  void positions(const Encoding& e, const std::vector<uint64_t>& counts,
                 const std::vector<uint64_t>& gaps, const Blob& bitmap) {
    if (!e.is_sparse()) return;
    if (e.positions == format::Positions::kBitmap) return stream(Role::kBitmap, bitmap);
    if (counts.size() > 1) numbers(Role::kCounts, 0, counts, kCountBuckets);
    if (e.positions == format::Positions::kGap)
      return stream(Role::kGaps, Blob(gaps.begin(), gaps.end()));
    numbers(Role::kGaps, 0, gaps, BucketCode{e.bucket_t, e.bucket_s});
  }

  void values(const Encoding& e, uint64_t first, const std::vector<uint64_t>& words,
              const std::vector<bool>& fillers) {
    const unsigned bits = out_.tensor.bits;
    Blob symbols;
    Blob tail;
    codec::BitWriter writer(&tail);
    std::vector<uint64_t> integers;
    // The low part of the rest, above its sign.
    const auto put_rest = [&](uint64_t word, unsigned z) {
      const uint64_t r = rotate(word, bits);
      writer.put(r & 1, 1);
      writer.put(r >> (1 + z), bits - e.split_t - z - 1);
    };
    for (size_t i = 0; i < words.size(); ++i) {
      if (e.values == Values::kPalette) {
        const unsigned shift = e.positions == format::Positions::kGap ? 1 : 0;
        symbols.push_back(fillers[i] ? 0 : static_cast<uint8_t>(code_of_[words[i]] + shift));
      } else if (e.values == Values::kDictionary) {
        symbols.push_back(static_cast<uint8_t>(code_of_[words[i]] >> e.index_bits()));
        writer.put(code_of_[words[i]], e.index_bits());
      } else if (e.values == Values::kSplit || e.values == Values::kClassSplit) {
        const uint64_t r = rotate(words[i], bits);
        symbols.push_back(static_cast<uint8_t>((r >> (bits - e.split_t)) - e.split_base));
        if (e.values == Values::kSplit) put_rest(words[i], e.split_z);
      } else if (e.has_scales()) {
        integers.push_back(grid_number(first + i, words[i]));
      } else if (e.values == Values::kDelta) {
        const uint64_t d = difference(first + i, i % out_.tensor.view.cols);
        if (bits == 8) {
          symbols.push_back(static_cast<uint8_t>(d));
        } else {
          integers.push_back(((d << 1) ^ (0 - (d >> (bits - 1)))) & codec::low_mask(bits));
        }
      } else if (bits == 8) {
        symbols.push_back(static_cast<uint8_t>(words[i]));
      } else {
        integers.push_back(zigzag(s_.dtype, words[i]));
      }
    }
    for (uint8_t c = 0; e.values == Values::kClassSplit && c < e.classes; ++c) {
      for (size_t i = 0; i < words.size(); ++i) {
        if (class_of(first + i) == c) put_rest(words[i], e.class_z[c]);
      }
      writer.finish();
    }
    writer.finish();
    if (e.values == Values::kTrellis) integers = halved(integers, out_.tensor.view.cols);
    if (!integers.empty())
      return numbers(Role::kValues, first, integers, bits == 64 ? kInt64Buckets : kIntBuckets);
    value_streams(first, symbols);
    pieces_.push_back({std::nullopt, tail});
  }

  void make_codes() {
    const format::Roles roles = format::roles_of(out_.tensor.encoding, s_.dtype);
    for (size_t r = 0; r < roles.count; ++r) {
      codec::Histogram histogram{};
      if (roles.list[r].role == Role::kClasses) {
        for (const uint8_t c : out_.class_map) ++histogram[c];
      }
      if (roles.list[r].role == Role::kPredictors) {
        for (const uint8_t p : out_.predictors) ++histogram[p];
      }
      for (const Pieces& pieces : out_.chunks) {
        for (const Piece& piece : pieces) {
          if (piece.role != r) continue;
          for (const uint8_t symbol : piece.bytes) ++histogram[symbol];
        }
      }
      Result<codec::CodeLengths> code = codec::optimal_code_lengths(histogram);
      if (code.ok()) out_.codes[r] = code.take();
    }
  }

  const Sample& s_;
  Encoded out_;
  std::map<uint64_t, uint32_t> code_of_;
  Pieces pieces_;
};

// Gives the tensor its table numbers and returns its chunks as bytes. Tables that no stream uses
// are left out.
std::vector<Blob> write_chunks(Encoded* encoded, std::optional<codec::HuffmanLayout> layout,
                               Blob* tables, Blob* codebooks, uint32_t* table_count) {
  const format::Roles roles = format::roles_of(encoded->tensor.encoding, encoded->tensor.dtype);
  std::array<bool, format::kMaxRoles> used{};
  std::vector<Blob> chunks;
  // Appends a stream of role r.
  const auto append = [&](size_t r, const Blob& symbols, Blob* out) {
    const auto& code = encoded->codes[r];
    const size_t mode_at = out->size();
    codec::encode_stream(symbols, roles.list[r].alphabet, code ? &*code : nullptr,
                         layout.value_or(codec::HuffmanLayout::kAuto), out);
    used[r] = used[r] || (*out)[mode_at] >= static_cast<uint8_t>(codec::StreamMode::kStreams);
  };
  for (const float scale : encoded->scales) {
    codebooks->resize(codebooks->size() + sizeof scale);
    store_le(codebooks->data() + codebooks->size() - sizeof scale, std::bit_cast<uint32_t>(scale));
  }
  if (!encoded->predictors.empty()) {
    append(roles.find(Role::kPredictors), encoded->predictors, codebooks);
  }
  if (!encoded->class_map.empty()) append(0, encoded->class_map, codebooks);
  for (const Pieces& pieces : encoded->chunks) {
    Blob bytes;
    for (const Piece& piece : pieces) {
      if (!piece.role) {
        bytes.insert(bytes.end(), piece.bytes.begin(), piece.bytes.end());
        continue;
      }
      append(*piece.role, piece.bytes, &bytes);
    }
    chunks.push_back(std::move(bytes));
  }
  for (size_t r = 0; r < roles.count; ++r) {
    if (!used[r]) continue;
    codec::append_code_lengths(*encoded->codes[r], tables);
    encoded->tensor.tables[r] = ++*table_count;
  }
  return chunks;
}

}  // namespace

FileParts make_parts(std::vector<Sample> samples, const Metadata& metadata,
                     const std::vector<std::pair<uint32_t, Blob>>& sections) {
  std::sort(samples.begin(), samples.end(),
            [](const Sample& a, const Sample& b) { return a.name < b.name; });
  FileParts parts;
  format::ManifestParts manifest;
  Blob codebooks;
  std::map<std::string, uint64_t> index;
  for (const Sample& s : samples) {
    Encoded encoded = Encoder(s).run();
    index[s.name] = manifest.tensors.size();
    if (!s.alias_of.empty()) encoded.tensor.alias_of = index.at(s.alias_of);
    encoded.tensor.first_chunk = parts.chunks.size();
    const std::vector<Blob> chunks =
        write_chunks(&encoded, s.huffman, &parts.tables, &codebooks, &manifest.table_count);
    for (size_t i = 0; i < chunks.size(); ++i) {
      parts.chunks.push_back(chunks[i]);
      manifest.chunks.push_back({0, encoded.entries[i], 0});
    }
    if (!encoded.codebook.empty()) {
      (void)codec::append_codebook(encoded.codebook, s.dtype, &codebooks);
    }
    manifest.tensors.push_back(std::move(encoded.tensor));
  }
  parts.tables.insert(parts.tables.end(), codebooks.begin(), codebooks.end());
  manifest.metadata.assign(metadata.begin(), metadata.end());
  for (const auto& [kind, bytes] : sections) {
    manifest.sections.push_back({kind & 0x7FFFFFFF, (kind >> 31) != 0, 0, 0});
    parts.sections.push_back(bytes);
  }
  parts.columns = format::manifest_columns(manifest);
  for (const format::Tensor& t : manifest.tensors) {
    parts.header.features |= format::features_of(t.encoding, t.dtype);
  }
  return parts;
}

Blob make_file(std::vector<Sample> samples) {
  return assemble(make_parts(std::move(samples)));
}

uint32_t bits_of(const Sample& s) {
  return s.dtype == DType::kOpaque ? s.opaque_bits : dtype_bits(s.dtype);
}

Blob dense_bytes(const Sample& s) {
  if (!s.dense.empty()) return s.dense;
  Blob out;
  codec::BitWriter writer(&out);
  for (const uint64_t word : s.words) writer.put(word, bits_of(s));
  writer.finish();
  return out;
}

uint64_t float_word(float value) {
  return std::bit_cast<uint32_t>(value);
}

}  // namespace dcf::impl::testing
