// SPDX-License-Identifier: Apache-2.0
// Manifest -> columns: the writer's side, the exact inverse of manifest.cc.
#include "base/bytes.h"
#include "format/manifest.h"

namespace dcf::impl::format {
namespace {

void append(std::vector<uint8_t>* out, std::string_view s) {
  out->insert(out->end(), s.begin(), s.end());
}

void append_tensor(const Tensor& t, ManifestColumns* c) {
  append(&c->names, t.name);
  c->name_lengths.push_back(static_cast<uint16_t>(t.name.size()));
  c->dtypes.push_back(static_cast<uint8_t>(t.dtype));
  c->ranks.push_back(static_cast<uint8_t>(t.dims.size()));
  c->dims.insert(c->dims.end(), t.dims.begin(), t.dims.end());
  if (t.dtype == DType::kOpaque) {
    c->opaque_bits.push_back(static_cast<uint16_t>(t.bits));
    c->opaque_name_lengths.push_back(static_cast<uint8_t>(t.opaque_name.size()));
    append(&c->opaque_names, t.opaque_name);
  }
  const bool alias = t.alias_of != kNoTensor;
  c->aliases.push_back(alias ? static_cast<uint32_t>(t.alias_of + 1) : 0);
  const Encoding encoding = alias ? Encoding{} : t.encoding;
  c->encodings.push_back(encoding_id(encoding));
  append_params(encoding, &c->params);
  if (!alias) {
    const size_t roles = roles_of(encoding, t.dtype).count;
    c->tables.insert(c->tables.end(), t.tables.begin(),
                     t.tables.begin() + static_cast<ptrdiff_t>(roles));
  }
  c->nonzeros.push_back(alias ? 0 : t.nonzeros);
  const bool has_view = !alias && t.elements != 0;
  uint32_t cols = 0;
  if (has_view) {
    if (t.view.cols != default_view_cols(t.dims, t.elements)) cols = t.view.cols;
    if (t.view.transposed) cols |= 0x80000000;
  }
  c->view_cols.push_back(cols);
  c->rows_per_chunk.push_back(has_view && t.rows_per_chunk < t.view_rows() ? t.rows_per_chunk : 0);
  c->fidelity.push_back(alias ? 0 : static_cast<uint8_t>(t.fidelity));
  c->error_bounds.push_back(alias ? 0 : t.error_bound);
}

}  // namespace

ManifestColumns manifest_columns(const ManifestParts& manifest) {
  ManifestColumns c;
  for (const Tensor& t : manifest.tensors) append_tensor(t, &c);
  drop_zero_column(&c.view_cols);
  drop_zero_column(&c.rows_per_chunk);
  drop_zero_column(&c.fidelity);
  drop_zero_column(&c.error_bounds);
  drop_zero_column(&c.aliases);
  for (const Chunk& chunk : manifest.chunks) {
    c.chunk_bytes.push_back(chunk.bytes);
    c.chunk_entries.push_back(chunk.entries);
    c.chunk_hashes.push_back(chunk.hash);
  }
  c.table_count = manifest.table_count;
  c.table_bytes = manifest.table_bytes;
  c.table_hash = manifest.table_hash;
  for (const auto& [key, value] : manifest.metadata) {
    append(&c.metadata, key);
    append(&c.metadata, value);
    c.metadata_lengths.push_back(static_cast<uint32_t>(key.size()));
    c.metadata_lengths.push_back(static_cast<uint32_t>(value.size()));
  }
  for (const Section& s : manifest.sections) {
    c.section_kinds.push_back(s.kind | (s.critical ? 0x80000000 : 0));
    c.section_bytes.push_back(s.bytes);
    c.section_hashes.push_back(s.hash);
  }
  return c;
}

}  // namespace dcf::impl::format
