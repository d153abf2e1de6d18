// SPDX-License-Identifier: Apache-2.0
#include "format/manifest_columns.h"

#include <algorithm>

namespace dcf::impl {
namespace {

template <typename T>
void drop(std::vector<T>* column) {
  if (std::all_of(column->begin(), column->end(), [](T v) { return v == 0; })) column->clear();
}

template <typename... Columns>
uint64_t sum_of_bytes(const Columns&... columns) {
  return (... + (uint64_t{columns.size()} * sizeof(columns[0])));
}

}  // namespace

uint64_t column_bytes(const ManifestColumns& c) {
  return sum_of_bytes(c.names, c.name_lengths, c.dtypes, c.ranks, c.dims, c.encodings, c.params,
                      c.tables, c.nonzeros, c.view_cols, c.rows_per_chunk, c.fidelity,
                      c.error_bounds, c.aliases, c.opaque_bits, c.opaque_names,
                      c.opaque_name_lengths, c.chunk_bytes, c.chunk_entries, c.chunk_hashes,
                      c.metadata, c.metadata_lengths, c.section_kinds, c.section_bytes,
                      c.section_hashes);
}

void drop_zero_column(std::vector<uint8_t>* column) {
  drop(column);
}
void drop_zero_column(std::vector<uint32_t>* column) {
  drop(column);
}
void drop_zero_column(std::vector<double>* column) {
  drop(column);
}

}  // namespace dcf::impl
