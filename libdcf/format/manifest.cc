// SPDX-License-Identifier: Apache-2.0
// Columns -> Manifest: every rule of section 4, in the order of the columns.
#include "format/manifest.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/checked.h"
#include "base/utf8.h"
#include "format/coded_names.h"

namespace dcf::impl::format {
namespace {

Status bad(const char* rule, const char* message) {
  return fail(Code::BadManifest, rule, message);
}

// A column with one value per tensor, or none because all bits of all values are 0 (M-03, M-10).
template <typename T>
Status check_optional(const std::vector<T>& column, size_t n) {
  if (column.empty()) return ok_status();
  if (column.size() != n) return bad("M-03", "a column of the manifest has the wrong length");
  // A bound of -0 is no zero here: it breaks M-07.
  if (std::all_of(column.begin(), column.end(),
                  [](T v) { return v == 0 && !std::signbit(static_cast<double>(v)); })) {
    return fail(Code::NonCanonical, "M-10", "a column of zeros is not empty");
  }
  return ok_status();
}

template <typename T>
T value_or_zero(const std::vector<T>& column, size_t i) {
  return column.empty() ? T{0} : column[i];
}

constexpr uint64_t kLayoutOffset = 8;  // bytes of an offset in the Layout

// All texts of a manifest, each with a NUL at its end.
uint64_t text_bytes(const ManifestColumns& c) {
  return c.names.size() + c.name_lengths.size() + c.opaque_names.size() +
         c.opaque_name_lengths.size() + c.metadata.size() + c.metadata_lengths.size();
}

// M-11, M-12 and A-01 come before every other rule of the columns: the columns that an unknown
// dtype or encoding needs are not known, and a sound newer file must be Unsupported.
Status check_known(const ManifestColumns& c) {
  const auto unknown_dtype = std::find_if_not(c.dtypes.begin(), c.dtypes.end(),
                                              [](uint8_t id) { return is_known(DType{id}); });
  if (unknown_dtype != c.dtypes.end()) {
    return fail(Code::UnsupportedDType, "M-11", "a tensor has an unknown dtype")
        .in_tensor(static_cast<uint64_t>(unknown_dtype - c.dtypes.begin()));
  }
  std::array<bool, 256> known{};  // each id is looked at once
  for (size_t i = 0; i < c.encodings.size(); ++i) {
    bool& seen = known[c.encodings[i]];
    if (seen) continue;
    const Status s = check_encoding_ids(encoding_of(c.encodings[i]));
    if (!s.ok()) return s.in_tensor(i);
    seen = true;
  }
  if (std::any_of(c.section_kinds.begin(), c.section_kinds.end(),
                  [](uint32_t kind) { return (kind >> 31) != 0; })) {
    return fail(Code::UnsupportedSection, "A-01", "the file has an unknown critical section");
  }
  return ok_status();
}

// Upper bound on the memory of the Manifest and the Layout.
uint64_t memory_of(const ManifestColumns& c) {
  return c.name_lengths.size() * sizeof(Tensor) +
         c.chunk_bytes.size() * (sizeof(Chunk) + kLayoutOffset) +
         c.metadata_lengths.size() / 2 * sizeof(std::pair<std::string_view, std::string_view>) +
         c.section_kinds.size() * (sizeof(Section) + kLayoutOffset) +
         c.dims.size() * sizeof(c.dims[0]) + text_bytes(c);
}

class Validator {
 public:
  Validator(ManifestColumns& columns, const Limits& limits)
      : c_(columns),
        limits_(limits),
        n_(columns.name_lengths.size()),
        params_(c_.params),
        names_(c_.names),
        opaque_names_(c_.opaque_names) {}

  Status run(ManifestParts* out) {
    DCF_TRY(check_counts());
    out->dims = std::move(c_.dims);
    dims_ = out->dims;
    out->texts.reserve(text_bytes(c_));
    texts_ = &out->texts;
    out->tensors.resize(n_);
    for (size_t i = 0; i < n_; ++i) {
      Status s = read_tensor(i, &out->tensors[i], out->tensors);
      if (!s.ok()) return s.in_tensor(i);
    }
    if (names_.remaining() != 0 || params_.remaining() != 0 || opaque_names_.remaining() != 0 ||
        !dims_.empty() || next_table_ != c_.tables.size() ||
        next_opaque_ != c_.opaque_bits.size() || next_chunk_ != c_.chunk_bytes.size()) {
      return bad("M-03", "a column of the manifest has values left over");
    }
    if (tables_seen_ != c_.table_count) return bad("M-06", "a table is not used");
    if (c_.table_bytes == 0 && c_.table_hash != 0)
      return bad("T-07", "an empty tables section has a hash");
    out->table_count = c_.table_count;
    out->table_bytes = c_.table_bytes;
    out->table_hash = c_.table_hash;
    out->chunks.resize(c_.chunk_bytes.size());
    for (size_t i = 0; i < out->chunks.size(); ++i) {
      out->chunks[i] = {c_.chunk_bytes[i], c_.chunk_entries[i], c_.chunk_hashes[i]};
    }
    DCF_TRY(read_metadata(&out->metadata));
    return read_sections(&out->sections);
  }

 private:
  Status check_counts() const {
    if (n_ > limits_.max_tensors)
      return fail(Code::LimitCount, "L-03", "there are more tensors than max_tensors");
    if (c_.metadata_lengths.size() / 2 > limits_.max_tensors ||
        c_.section_kinds.size() > limits_.max_tensors) {
      return fail(Code::LimitCount, "L-03",
                  "there are more metadata pairs or sections than max_tensors");
    }
    // The columns are in memory as well, except the dims, which are moved.
    const uint64_t memory = memory_of(c_) + column_bytes(c_) - c_.dims.size() * sizeof(c_.dims[0]);
    if (memory > limits_.max_memory)
      return fail(Code::LimitMemory, "L-01", "the manifest takes more than max_memory");
    if (c_.dtypes.size() != n_ || c_.ranks.size() != n_ || c_.encodings.size() != n_ ||
        c_.nonzeros.size() != n_ || c_.chunk_entries.size() != c_.chunk_bytes.size() ||
        c_.chunk_hashes.size() != c_.chunk_bytes.size() || c_.metadata_lengths.size() % 2 != 0 ||
        c_.section_bytes.size() != c_.section_kinds.size() ||
        c_.section_hashes.size() != c_.section_kinds.size() ||
        c_.opaque_name_lengths.size() != c_.opaque_bits.size()) {
      return bad("M-03", "a column of the manifest has the wrong length");
    }
    DCF_TRY(check_optional(c_.view_cols, n_));
    DCF_TRY(check_optional(c_.rows_per_chunk, n_));
    DCF_TRY(check_optional(c_.fidelity, n_));
    DCF_TRY(check_optional(c_.error_bounds, n_));
    return check_optional(c_.aliases, n_);
  }

  Status read_tensor(size_t i, Tensor* t, const std::vector<Tensor>& all) {
    Bytes name;
    const uint16_t name_size = c_.name_lengths[i];
    if (name_size > kMaxNameBytes) return bad("M-04", "a tensor name is too long");
    if (!names_.read_bytes(name_size, &name)) return bad("M-03", "the tensor names end too early");
    if (!is_utf8(name) || std::find(name.begin(), name.end(), 0) != name.end()) {
      return bad("M-04", "a tensor name is not UTF-8 without NUL");
    }
    t->name = add_text(name);
    if (i > 0 && all[i - 1].name >= t->name)
      return bad("M-04", "tensor names are not strictly increasing");
    DCF_TRY(read_type(i, t));
    DCF_TRY(read_alias(i, t, all));
    if (t->alias_of != kNoTensor) return count_output(*t);
    DCF_TRY(read_encoding(i, t));
    DCF_TRY(read_tables(t));
    DCF_TRY(read_view(i, t));
    t->nonzeros = c_.nonzeros[i];
    if (t->nonzeros > t->elements) return bad("M-03", "a tensor has more nonzeros than elements");
    DCF_TRY(read_fidelity(i, t));
    DCF_TRY(read_chunks(t));
    return count_output(*t);
  }

  Status read_type(size_t i, Tensor* t) {
    t->dtype = static_cast<DType>(c_.dtypes[i]);
    const size_t rank = c_.ranks[i];
    if (rank > kMaxRank) return bad("M-05", "a tensor has more than 32 dimensions");
    if (dims_.size() < rank) return bad("M-03", "the dimensions end too early");
    t->dims = dims_.first(rank);
    dims_ = dims_.subspan(rank);
    DCF_ASSIGN(t->elements, count_elements(t->dims));
    t->bits = dtype_bits(t->dtype);
    if (t->dtype == DType::kOpaque) {
      if (next_opaque_ == c_.opaque_bits.size())
        return bad("M-03", "an opaque dtype has no description");
      Bytes name;
      t->bits = c_.opaque_bits[next_opaque_];
      if (!opaque_names_.read_bytes(c_.opaque_name_lengths[next_opaque_++], &name)) {
        return bad("M-03", "the names of opaque dtypes end too early");
      }
      if (t->bits == 0 || !is_utf8(name) || std::find(name.begin(), name.end(), 0) != name.end()) {
        return bad("M-05", "the description of an opaque dtype is invalid");
      }
      t->opaque_name = add_text(name);
    }
    return ok_status();
  }

  Status read_alias(size_t i, Tensor* t, const std::vector<Tensor>& all) const {
    const uint32_t alias = value_or_zero(c_.aliases, i);
    if (alias == 0) return ok_status();
    t->alias_of = alias - 1;
    if (t->alias_of >= i) return bad("M-08", "an alias does not name an earlier tensor");
    const Tensor& target = all[t->alias_of];
    if (target.alias_of != kNoTensor || target.dtype != t->dtype || target.bits != t->bits ||
        target.elements != t->elements || c_.encodings[i] != 0 || c_.nonzeros[i] != 0 ||
        value_or_zero(c_.view_cols, i) != 0 || value_or_zero(c_.rows_per_chunk, i) != 0 ||
        value_or_zero(c_.fidelity, i) != 0 || value_or_zero(c_.error_bounds, i) != 0) {
      return bad("M-08", "an alias does not fit the tensor it names");
    }
    return ok_status();
  }

  Status read_encoding(size_t i, Tensor* t) {
    t->encoding = encoding_of(c_.encodings[i]);
    DCF_TRY(read_params(&params_, &t->encoding));
    return check_encoding(t->encoding, t->dtype, t->elements);
  }

  Status read_tables(Tensor* t) {
    const Roles roles = roles_of(t->encoding, t->dtype);
    if (c_.tables.size() - next_table_ < roles.count)
      return bad("M-03", "the table numbers end too early");
    for (size_t k = 0; k < roles.count; ++k) {
      const uint32_t id = c_.tables[next_table_++];
      if (id > tables_seen_ + 1 || id > c_.table_count)
        return bad("M-06", "tables are not numbered in order of use");
      tables_seen_ = std::max(tables_seen_, id);
      t->tables[k] = id;
    }
    return ok_status();
  }

  Status read_view(size_t i, Tensor* t) const {
    const uint32_t stored = value_or_zero(c_.view_cols, i);
    const uint32_t stored_rows = value_or_zero(c_.rows_per_chunk, i);
    if (t->elements == 0) {
      if (stored != 0 || stored_rows != 0) return bad("M-13", "an empty tensor has a view");
      return ok_status();
    }
    const uint64_t by_default = default_view_cols(t->dims, t->elements);
    const uint32_t cols = stored & 0x7FFFFFFF;
    if (cols == by_default)
      return fail(Code::NonCanonical, "M-15", "the default view is written out");
    if (cols == 0 && by_default > kMaxViewCols) return bad("M-13", "the view has too many columns");
    t->view.cols = cols == 0 ? static_cast<uint32_t>(by_default) : cols;
    t->view.transposed = (stored >> 31) != 0;
    const uint64_t rows = t->view_rows();
    if (stored_rows >= rows || (stored_rows == 0 && rows > kMaxChunkRows)) {
      return bad("K-01", "a chunk has too many rows");
    }
    t->rows_per_chunk = stored_rows == 0 ? static_cast<uint32_t>(rows) : stored_rows;
    return check_view(*t);
  }

  Status read_fidelity(size_t i, Tensor* t) const {
    const uint8_t fidelity = value_or_zero(c_.fidelity, i);
    if (fidelity > 2) return bad("M-07", "a tensor has an unknown fidelity");
    t->fidelity = static_cast<Fidelity>(fidelity);
    t->error_bound = value_or_zero(c_.error_bounds, i);
    if (!std::isfinite(t->error_bound) || std::signbit(t->error_bound) ||
        (t->error_bound != 0 && t->fidelity != Fidelity::kLossy)) {
      return bad("M-07", "an error bound is invalid");
    }
    return ok_status();
  }

  Status read_chunks(Tensor* t) {
    t->first_chunk = next_chunk_;
    t->chunks = t->elements == 0 ? 0 : ceil_div(t->view_rows(), t->rows_per_chunk);
    if (c_.chunk_bytes.size() - next_chunk_ < t->chunks)
      return bad("M-03", "the chunks end too early");
    for (uint64_t k = 0; k < t->chunks; ++k) {
      const size_t at = next_chunk_++;
      const uint64_t elements = t->chunk_elements(k);
      const uint32_t entries = c_.chunk_entries[at];
      if (t->encoding.is_sparse() ? entries > std::min<uint64_t>(elements, kMaxChunkEntries)
                                  : entries != elements) {
        return bad("K-01", "a chunk has a wrong number of entries");
      }
      if (c_.chunk_bytes[at] > kMaxChunkBytes ||
          (t->encoding.is_raw() && c_.chunk_bytes[at] != ceil_div(elements * t->bits, 8))) {
        return bad("K-01", "a chunk has a wrong number of bytes");
      }
      t->entries += entries;
      t->encoded_bytes += c_.chunk_bytes[at];
      entries_ += entries;
      if (entries_ > limits_.max_entries)
        return fail(Code::LimitCount, "L-03", "there are more entries than max_entries");
    }
    return ok_status();
  }

  Status count_output(const Tensor& t) {
    if (!checked_add(output_, t.dense_bytes(), &output_) || output_ > limits_.max_output) {
      return fail(Code::LimitOutput, "L-02", "the tensors decode to more bytes than max_output");
    }
    return ok_status();
  }

  Status read_metadata(std::vector<std::pair<std::string_view, std::string_view>>* out) {
    ByteReader reader(c_.metadata);
    out->reserve(c_.metadata_lengths.size() / 2);
    for (size_t i = 0; i < c_.metadata_lengths.size(); i += 2) {
      Bytes key, value;
      if (!reader.read_bytes(c_.metadata_lengths[i], &key) ||
          !reader.read_bytes(c_.metadata_lengths[i + 1], &value)) {
        return bad("M-03", "the metadata ends too early");
      }
      if (!is_utf8(key) || !is_utf8(value)) return bad("M-09", "metadata is not UTF-8");
      const std::string_view key_text = add_text(key);
      out->emplace_back(key_text, add_text(value));
      if (i > 0 && (*out)[i / 2 - 1].first >= out->back().first) {
        return bad("M-09", "metadata keys are not strictly increasing");
      }
    }
    if (reader.remaining() != 0) return bad("M-03", "metadata is left over");
    return ok_status();
  }

  Status read_sections(std::vector<Section>* out) const {
    out->reserve(c_.section_kinds.size());
    for (size_t i = 0; i < c_.section_kinds.size(); ++i) {
      const Section s{c_.section_kinds[i] & 0x7FFFFFFF, (c_.section_kinds[i] >> 31) != 0,
                      c_.section_bytes[i], c_.section_hashes[i]};
      if (!out->empty() && out->back().kind >= s.kind) {
        return fail(Code::BadSection, "A-02", "section kinds are not strictly increasing");
      }
      out->push_back(s);
    }
    return ok_status();
  }

  // For the life of the manifest; there is room for all texts of the columns.
  std::string_view add_text(Bytes bytes) {
    const size_t at = texts_->size();
    texts_->insert(texts_->end(), bytes.begin(), bytes.end());
    texts_->push_back('\0');
    return {texts_->data() + at, bytes.size()};
  }

  ManifestColumns& c_;
  const Limits& limits_;
  const size_t n_;
  ByteReader params_;
  ByteReader names_;
  ByteReader opaque_names_;
  std::span<const uint64_t> dims_;  // dims of the tensors that are not read yet
  std::vector<char>* texts_ = nullptr;
  size_t next_table_ = 0;
  size_t next_opaque_ = 0;
  size_t next_chunk_ = 0;
  uint32_t tables_seen_ = 0;
  uint64_t entries_ = 0;
  uint64_t output_ = 0;
};

}  // namespace

uint64_t manifest_memory(const Manifest& manifest) {
  const ManifestParts& m = *manifest;
  return m.tensors.size() * sizeof(m.tensors[0]) +
         m.chunks.size() * (sizeof(m.chunks[0]) + kLayoutOffset) +
         m.metadata.size() * sizeof(m.metadata[0]) +
         m.sections.size() * (sizeof(m.sections[0]) + kLayoutOffset) +
         m.dims.size() * sizeof(m.dims[0]) + m.texts.size();
}

Result<Manifest> validate_manifest(ManifestColumns columns, const Limits& limits) {
  DCF_TRY(check_known(columns));
  ManifestParts parts;
  parts.name_bytes = columns.names.size() + columns.name_lengths.size() * sizeof(uint16_t);
  DCF_TRY(expand_names(&columns, limits));
  DCF_TRY(Validator(columns, limits).run(&parts));
  return Manifest(std::move(parts));
}

}  // namespace dcf::impl::format
