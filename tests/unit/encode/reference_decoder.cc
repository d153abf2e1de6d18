// SPDX-License-Identifier: Apache-2.0
#include "reference_decoder.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

#include "base/float_convert.h"
#include "base/hash.h"
#include "format/layout.h"
#include "reference_names.h"
#include "reference_streams.h"

namespace dcf::impl::encode {

using format::Role;
using format::Values;

namespace {

// NOLINTNEXTLINE(google-build-using-namespace)
using namespace reference;

// Section 7.4: the numbers of symbols whose extra bits follow.
std::vector<uint64_t> read_numbers(Cursor& in, const std::vector<uint8_t>& symbols, unsigned t,
                                   unsigned s) {
  std::vector<uint64_t> out(symbols.begin(), symbols.end());
  for (uint64_t& v : out) {
    if (v < uint64_t{1} << t) continue;
    const uint64_t above = v - (uint64_t{1} << t);
    const uint64_t e = t + (above >> s);
    const uint64_t top = (uint64_t{1} << s) + (above & ((uint64_t{1} << s) - 1));
    const auto extra = static_cast<unsigned>(e - s);
    v = (top << extra) + in.field(extra);
  }
  in.end_string();
  return out;
}

std::vector<uint64_t> read_buckets(Cursor& in, uint64_t n, unsigned t, unsigned s,
                                   unsigned alphabet, const Lengths* table) {
  return read_numbers(in, read_stream(in, n, alphabet, table), t, s);
}

class TensorDecoder {
 public:
  TensorDecoder(const format::Tensor& t, const std::vector<Lengths>& tables,
                const std::vector<uint64_t>& codebook, const std::vector<float>& scales,
                const std::vector<uint8_t>& predictors, const std::vector<uint8_t>& class_map)
      : t_(t),
        e_(t.encoding),
        roles_(format::roles_of(t.encoding, t.dtype)),
        codebook_(codebook),
        scales_(scales),
        predictors_(predictors),
        class_map_(class_map) {
    for (size_t k = 0; k < roles_.count; ++k) {
      tables_[k] = t.tables[k] == 0 ? nullptr : &tables[t.tables[k] - 1];
    }
    if (e_.signs) zero_sign_ = uint64_t{1} << (t.bits - 1);
  }

  // Appends the words of a chunk in view order.
  void chunk(Bytes bytes, uint64_t elements, uint64_t entries, std::vector<uint64_t>* words) {
    Cursor in(bytes);
    first_ = words->size();
    std::vector<uint64_t> at;  // of entries, from the start of the chunk
    if (e_.positions == format::Positions::kDense) {
      for (uint64_t i = 0; i < elements; ++i) at.push_back(i);
    } else if (entries > 0) {
      at = positions(in, elements, entries);
    }
    std::vector<bool> filler(entries);
    std::vector<uint64_t> value;
    if (entries > 0) value = values(in, entries, &filler);
    std::vector<uint64_t> out(elements);
    std::vector<bool> skipped(elements, true);
    for (uint64_t i = 0; i < entries; ++i) {
      if (filler[i]) {
        check_filler(at, i);
        ++fillers;
        continue;
      }
      out[at[i]] = value[i];
      skipped[at[i]] = false;
      nonzeros += e_.is_sparse() || (value[i] & magnitude_mask(t_.dtype)) != 0;
    }
    if (e_.signs) {
      const auto z = static_cast<uint64_t>(std::count(skipped.begin(), skipped.end(), true));
      if (z > 0) {
        const std::vector<uint8_t> bits = role_stream(in, Role::kSigns, (z + 7) / 8);
        Cursor string(bits);
        for (uint64_t i = 0; i < elements; ++i) {
          if (skipped[i] && string.field(1) != 0) out[i] = zero_sign_;
        }
        string.end_string();
      }
    }
    require(in.at_end(), "a chunk is too long");
    words->insert(words->end(), out.begin(), out.end());
  }

  uint64_t nonzeros = 0;
  uint64_t fillers = 0;

 private:
  std::vector<uint8_t> role_stream(Cursor& in, Role role, uint64_t n) {
    const size_t k = roles_.find(role);
    return read_stream(in, n, roles_.list[k].alphabet, tables_[k]);
  }

  // Section 7.6: the class of element i of the chunk.
  size_t class_of(size_t i) const {
    return class_map_[(first_ + i) / e_.class_run % e_.class_units];
  }

  // The symbols of the classes, each to the next element of its class.
  std::vector<uint8_t> value_symbols(Cursor& in, uint64_t n) {
    if (e_.classes == 0) return role_stream(in, Role::kValues, n);
    std::vector<std::vector<size_t>> elements(e_.classes);
    for (size_t i = 0; i < n; ++i) elements[class_of(i)].push_back(i);
    std::vector<uint8_t> out(n);
    const size_t k = roles_.find(Role::kValues);
    for (size_t c = 0; c < elements.size(); ++c) {
      if (elements[c].empty()) continue;
      const std::vector<uint8_t> symbols =
          read_stream(in, elements[c].size(), roles_.list[k + c].alphabet, tables_[k + c]);
      for (size_t i = 0; i < symbols.size(); ++i) out[elements[c][i]] = symbols[i];
    }
    return out;
  }

  std::vector<uint64_t> positions(Cursor& in, uint64_t elements, uint64_t entries) {
    std::vector<uint64_t> at;
    if (e_.positions == format::Positions::kBitmap) {
      const std::vector<uint8_t> bits = role_stream(in, Role::kBitmap, (elements + 7) / 8);
      Cursor string(bits);
      for (uint64_t i = 0; i < elements; ++i) {
        if (string.field(1) != 0) at.push_back(i);
      }
      string.end_string();
      require(at.size() == entries, "another number of ones");
      return at;
    }
    const uint64_t cols = t_.view.cols;
    const uint64_t rows = (elements + cols - 1) / cols;
    std::vector<uint64_t> counts{entries};
    if (rows > 1) counts = read_buckets(in, rows, 7, 2, 192, tables_[roles_.find(Role::kCounts)]);
    const size_t k = roles_.find(Role::kGaps);
    if (e_.positions == format::Positions::kGap) {
      const std::vector<uint8_t> symbols = role_stream(in, Role::kGaps, entries);
      gaps_.assign(symbols.begin(), symbols.end());
    } else {
      gaps_ =
          read_buckets(in, entries, e_.bucket_t, e_.bucket_s, roles_.list[k].alphabet, tables_[k]);
    }
    size_t i = 0;
    row_end_.clear();
    for (uint64_t r = 0; r < rows; ++r) {
      const uint64_t width = std::min(cols, elements - r * cols);
      uint64_t next = 0;
      for (uint64_t c = 0; c < counts[r]; ++c, ++i) {
        require(i < entries, "too many entries in the rows");
        next += gaps_[i];
        require(next < width, "an entry outside its row");
        at.push_back(r * cols + next++);
        row_end_.push_back(c + 1 == counts[r]);
      }
    }
    require(i == entries, "too few entries in the rows");
    return at;
  }

  // Section 8.5.
  std::vector<uint64_t> delta_values(Cursor& in, uint64_t n) {
    std::vector<uint64_t> numbers;
    const std::vector<uint8_t> symbols = value_symbols(in, n);
    if (t_.bits == 8) {
      numbers.assign(symbols.begin(), symbols.end());
    } else {
      numbers = read_numbers(in, symbols, 7, t_.bits == 64 ? 1 : 2);
      for (uint64_t& v : numbers) v = (v & 1) != 0 ? ~(v >> 1) : v >> 1;
    }
    const uint64_t mask = ~uint64_t{0} >> (64 - t_.bits);
    std::vector<uint64_t> out;
    for (uint64_t i = 0; i < n; ++i) {
      const unsigned p = predictors_[(first_ + i) / e_.delta_run % e_.delta_units];
      const uint64_t column = (first_ + i) % t_.view.cols;
      const bool found = p != 0 && e_.distances[p - 1] <= column;
      const uint64_t before = found ? out[i - e_.distances[p - 1]] : 0;
      const uint64_t key = (codebook_key(t_.dtype, before) + numbers[i]) & mask;
      out.push_back(codebook_word(t_.dtype, key));
    }
    return out;
  }

  // Section 7.3.
  void check_filler(const std::vector<uint64_t>& at, uint64_t i) const {
    require(gaps_[i] == (1u << e_.gap_bits) - 1u && !row_end_[i], "a filler out of place");
    require(i + 1 < at.size() && at[i + 1] - at[i] >= 1, "a filler out of place");
  }

  // Section 8.2: the next field and its symbol.
  uint64_t split_word(Cursor& in, uint8_t symbol, unsigned z) const {
    const uint64_t rest = in.field(t_.bits - e_.split_t - z);
    const uint64_t top = uint64_t{symbol} + e_.split_base;
    const uint64_t rotated = top << (t_.bits - e_.split_t) | (rest >> 1) << (z + 1) | (rest & 1);
    return rotated >> 1 | (rotated & 1) << (t_.bits - 1);
  }

  std::vector<uint64_t> values(Cursor& in, uint64_t n, std::vector<bool>* filler) {
    const bool gap = e_.positions == format::Positions::kGap;
    std::vector<uint64_t> out;
    if (e_.values == Values::kPalette) {
      for (const uint8_t code : role_stream(in, Role::kValues, n)) {
        (*filler)[out.size()] = gap && code == 0;
        out.push_back(gap && code == 0 ? 0 : codebook_[code - (gap ? 1 : 0)]);
      }
      return out;
    }
    if (e_.values == Values::kSplit) {
      const std::vector<uint8_t> symbols = value_symbols(in, n);
      for (const uint8_t symbol : symbols) out.push_back(split_word(in, symbol, e_.split_z));
      in.end_string();
    } else if (e_.values == Values::kClassSplit) {  // 8.2, class-split
      const std::vector<uint8_t> symbols = value_symbols(in, n);
      out.resize(n);
      for (size_t c = 0; c < e_.classes; ++c) {
        for (size_t i = 0; i < n; ++i) {
          if (class_of(i) == c) out[i] = split_word(in, symbols[i], e_.class_z[c]);
        }
        in.end_string();
      }
    } else if (e_.values == Values::kDictionary) {  // 8.1, dictionary
      unsigned b = 0;
      while ((codebook_.size() - 1) >> b > 255) ++b;
      for (const uint8_t high : role_stream(in, Role::kValues, n)) {
        const uint64_t index = uint64_t{high} << b | in.field(b);
        require(index < codebook_.size(), "an index outside the dictionary");
        out.push_back(codebook_[index]);
      }
      in.end_string();
    } else if (e_.values == Values::kGrid) {
      out = read_numbers(in, value_symbols(in, n), 7, 2);
      for (size_t i = 0; i < n; ++i) out[i] = grid_word(first_ + i, out[i]);
    } else if (e_.values == Values::kTrellis) {
      out = trellis_values(read_numbers(in, value_symbols(in, n), 7, 2));
    } else if (e_.values == Values::kDelta) {
      out = delta_values(in, n);
    } else if (t_.bits == 8) {
      for (const uint8_t symbol : value_symbols(in, n)) out.push_back(symbol);
    } else {
      out = read_numbers(in, value_symbols(in, n), 7, t_.bits == 64 ? 1 : 2);
      for (uint64_t& v : out) {
        if (is_signed_integer(t_.dtype)) v = (v & 1) != 0 ? ~(v >> 1) : v >> 1;
        if (t_.bits < 64) v &= (uint64_t{1} << t_.bits) - 1;
      }
    }
    for (size_t i = 0; i < out.size(); ++i) {
      const bool zero = (out[i] & magnitude_mask(t_.dtype)) == 0;
      (*filler)[i] = gap && out[i] == 0;
      require(!e_.is_sparse() || !zero || (*filler)[i], "a stored zero");
    }
    return out;
  }

  // Section 8.4, of element v of the view.
  uint64_t grid_word(uint64_t v, uint64_t number) const {
    const float product =
        static_cast<float>(number >> 1) * scales_[v / e_.grid_run % e_.grid_units];
    return double_to_word(t_.dtype, double{(number & 1) != 0 ? -product : product});
  }

  // Section 8.4, trellis: of the numbers of whole rows.
  std::vector<uint64_t> trellis_values(const std::vector<uint64_t>& numbers) const {
    std::vector<uint64_t> out;
    std::vector<int64_t> k;  // of the row
    std::vector<int64_t> o;
    for (const uint64_t x : numbers) {
      const size_t c = k.size();
      k.push_back(x % 2 == 0 ? static_cast<int64_t>(x / 2) : -static_cast<int64_t>((x + 1) / 2));
      if (c == 0) {
        o.push_back(0);
      } else {
        o.push_back(((c == 1 ? 0 : o[c - 2]) + std::abs(k[c - 1])) % 2);
      }
      const int64_t q = 2 * k[c] + o[c];
      const auto magnitude = static_cast<uint64_t>(std::abs(q));
      out.push_back(grid_word(first_ + out.size(), magnitude << 1 | (q < 0 ? 1 : 0)));
      if (k.size() == t_.view.cols) {
        k.clear();
        o.clear();
      }
    }
    return out;
  }

  const format::Tensor& t_;
  const format::Encoding& e_;
  const format::Roles roles_;
  const std::vector<uint64_t>& codebook_;
  const std::vector<float>& scales_;
  const std::vector<uint8_t>& predictors_;
  const std::vector<uint8_t>& class_map_;
  std::array<const Lengths*, format::kMaxRoles> tables_{};
  uint64_t first_ = 0;  // element of the view that the chunk begins with
  uint64_t zero_sign_ = 0;
  std::vector<uint64_t> gaps_;
  std::vector<bool> row_end_;
};

// Section 5.2.
std::vector<uint64_t> read_codebook(Cursor& in, const format::Tensor& t) {
  const unsigned k = in.byte();
  uint64_t key = in.field(t.bits);
  std::vector<uint64_t> words{codebook_word(t.dtype, key)};
  while (words.size() < t.encoding.palette_size) {
    unsigned n = 0;
    while (in.field(1) != 0) ++n;
    const uint64_t u = (uint64_t{1} << n) + in.field(n);
    key += ((u - 1) << k) + in.field(k) + 1;
    words.push_back(codebook_word(t.dtype, key));
  }
  in.end_string();
  return words;
}

// Section 8.4.
std::vector<float> read_scales(Cursor& in, const format::Tensor& t) {
  std::vector<float> scales;
  while (scales.size() < t.encoding.grid_units) {
    scales.push_back(std::bit_cast<float>(static_cast<uint32_t>(in.field(32))));
    require(std::isfinite(scales.back()) && !std::signbit(scales.back()), "a scale");
  }
  in.end_string();
  return scales;
}

class FileDecoder {
 public:
  FileDecoder(Bytes file, ReferenceFile* out) : file_(file), out_(out) {}

  void run() {
    const Result<format::Header> header = format::parse_header(file_, file_.size());
    require(header.ok(), "header");
    const Bytes packed = file_.subspan(format::kHeaderBytes, header.value().manifest_size);
    require(hash_bytes(packed) == header.value().manifest_hash, "manifest hash");
    Result<format::ManifestColumns> columns =
        format::parse_manifest_columns(packed.data(), packed.size(), Limits{}.max_manifest);
    require(columns.ok(), columns.status().message);
    if ((header.value().features & 8) != 0) set_names(&columns.value());
    Result<format::Manifest> manifest = format::validate_manifest(columns.take(), Limits{});
    require(manifest.ok(), manifest.status().message);
    out_->manifest = manifest.take().release();
    for (const format::Tensor& t : out_->manifest.tensors) {
      const uint32_t features = header.value().features;
      require(t.encoding.classes == 0 || (features & 2) != 0, "feature bit 1");
      if (t.encoding.values == Values::kGrid) require((features & 1) != 0, "feature bit 0");
      if (t.encoding.values == Values::kTrellis) require((features & 64) != 0, "feature bit 6");
      const bool wide = t.encoding.values == Values::kInt && t.bits > 8 && t.encoding.classes != 0;
      require((t.encoding.values != Values::kDelta && !wide) || (features & 4) != 0,
              "feature bit 2");
      require(t.encoding.values != Values::kDictionary || (features & 16) != 0, "feature bit 4");
      require(t.encoding.values != Values::kClassSplit || (features & 32) != 0, "feature bit 5");
    }
    read_tables(packed.size());
    uint64_t at = format::kHeaderBytes + packed.size() + out_->manifest.table_bytes;
    for (size_t i = 0; i < out_->manifest.tensors.size(); ++i) at = read_tensor(i, at);
    for (const format::Section& section : out_->manifest.sections) {
      require(section.bytes <= file_.size() - at, "a section");
      const auto size = static_cast<size_t>(section.bytes);
      require(hash_bytes(file_.subspan(at, size)) == section.hash, "section hash");
      at += size;
    }
    require(at == file_.size(), "the parts do not reach the end of the file");
  }

 private:
  static void set_names(format::ManifestColumns* c) {
    require(c->name_lengths.empty(), "lengths of coded names");
    const std::vector<std::string> names = read_names(c->names, c->dtypes.size());
    c->names.clear();
    for (const std::string& name : names) {
      require(name.size() <= 4096, "a name is too long");
      c->names.insert(c->names.end(), name.begin(), name.end());
      c->name_lengths.push_back(static_cast<uint16_t>(name.size()));
    }
  }

  void read_tables(uint64_t manifest_size) {
    const format::ManifestParts& m = out_->manifest;
    const Bytes section = file_.subspan(format::kHeaderBytes + manifest_size, m.table_bytes);
    require(hash_bytes(section) == m.table_hash, "hash of the tables section");
    Cursor in(section);
    for (uint32_t i = 0; i < m.table_count; ++i) tables_.push_back(read_lengths(in));
    for (const format::Tensor& t : m.tensors) {
      const bool book = t.alias_of == kNoTensor && (t.encoding.values == Values::kPalette ||
                                                    t.encoding.values == Values::kDictionary);
      out_->codebooks.push_back(book ? read_codebook(in, t) : std::vector<uint64_t>{});
      scales_.push_back(read_scales(in, t));
      predictors_.emplace_back();
      if (t.encoding.values == Values::kDelta) {
        const uint32_t number = t.tables[t.encoding.classes != 0 ? 1 : 0];
        const Lengths* table = number == 0 ? nullptr : &tables_[number - 1];
        predictors_.back() =
            read_stream(in, t.encoding.delta_units, t.encoding.distance_count + 1u, table);
      }
      class_maps_.emplace_back();
      if (t.encoding.classes != 0) {
        const Lengths* table = t.tables[0] == 0 ? nullptr : &tables_[t.tables[0] - 1];
        class_maps_.back() = read_stream(in, t.encoding.class_units, t.encoding.classes, table);
      }
      if (t.alias_of != kNoTensor) continue;
      const format::Roles roles = format::roles_of(t.encoding, t.dtype);
      for (size_t k = 0; k < roles.count; ++k) {
        require(t.tables[k] == 0 || tables_[t.tables[k] - 1].size() <= roles.list[k].alphabet,
                "a table with symbols outside the alphabet");
      }
    }
    require(in.at_end(), "bytes left in the tables section");
  }

  uint64_t read_tensor(size_t i, uint64_t at) {
    const format::ManifestParts& m = out_->manifest;
    const format::Tensor& t = m.tensors[i];
    if (t.alias_of != kNoTensor) {
      out_->dense.push_back(out_->dense[t.alias_of]);
      return at;
    }
    for (uint64_t pad = format::padding_before(m, t, at); pad > 0; --pad) {
      require(file_[at++] == 0, "padding is not zero");
    }
    std::vector<uint8_t> dense;
    std::vector<uint64_t> words;
    TensorDecoder decoder(t, tables_, out_->codebooks[i], scales_[i], predictors_[i],
                          class_maps_[i]);
    for (uint64_t c = 0; c < t.chunks; ++c) {
      const format::Chunk& chunk = m.chunks[t.first_chunk + c];
      require(chunk.bytes <= file_.size() - at, "a chunk past the end of the file");
      const Bytes bytes = file_.subspan(at, chunk.bytes);
      at += chunk.bytes;
      require(hash_bytes(bytes) == chunk.hash, "the hash of a chunk");
      if (t.encoding.is_raw()) {
        dense.insert(dense.end(), bytes.begin(), bytes.end());
      } else {
        decoder.chunk(bytes, t.chunk_elements(c), chunk.entries, &words);
      }
    }
    if (!t.encoding.is_raw()) {
      require(decoder.nonzeros == t.nonzeros, "another number of nonzeros");
      dense.resize(t.dense_bytes());
      for (uint64_t v = 0; v < words.size(); ++v) {
        const uint64_t element =
            t.view.transposed ? v % t.view.cols * t.view_rows() + v / t.view.cols : v;
        store_word(dense.data() + element * t.bits / 8, t.bits / 8, words[v]);
      }
    }
    out_->fillers += decoder.fillers;
    out_->dense.push_back(std::move(dense));
    return at;
  }

  Bytes file_;
  ReferenceFile* out_;
  std::vector<Lengths> tables_;
  std::vector<std::vector<float>> scales_;
  std::vector<std::vector<uint8_t>> predictors_;
  std::vector<std::vector<uint8_t>> class_maps_;
};

}  // namespace

ReferenceFile reference_decode(Bytes file) {
  ReferenceFile out;
  try {
    FileDecoder(file, &out).run();
  } catch (const std::runtime_error& error) {
    out.error = error.what();
  }
  return out;
}

}  // namespace dcf::impl::encode
