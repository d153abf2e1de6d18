// SPDX-License-Identifier: Apache-2.0
// The manifest as it is stored: plain columns, field by field as in spec/manifest.capnp. Nothing
// here is validated beyond being a well-formed, canonical message; manifest.h does the rest. C++17,
// because libcapnp's headers do not compile as C++20 everywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/limits.h"
#include "base/status.h"

namespace dcf::impl::format {

struct ManifestColumns {
  // Whether `names` has the coded form of section 4.4, and no lengths. No column: the header says
  // so, by the feature kCodedNames.
  bool coded_names = false;
  std::vector<uint8_t> names;
  std::vector<uint16_t> name_lengths;
  std::vector<uint8_t> dtypes;
  std::vector<uint8_t> ranks;
  std::vector<uint64_t> dims;
  std::vector<uint8_t> encodings;
  std::vector<uint8_t> params;
  std::vector<uint32_t> tables;
  std::vector<uint64_t> nonzeros;
  std::vector<uint32_t> view_cols;
  std::vector<uint32_t> rows_per_chunk;
  std::vector<uint8_t> fidelity;
  std::vector<double> error_bounds;
  std::vector<uint32_t> aliases;
  std::vector<uint16_t> opaque_bits;
  std::vector<uint8_t> opaque_names;
  std::vector<uint8_t> opaque_name_lengths;
  std::vector<uint32_t> chunk_bytes;
  std::vector<uint32_t> chunk_entries;
  std::vector<uint64_t> chunk_hashes;
  uint32_t table_count = 0;
  uint64_t table_bytes = 0;
  uint64_t table_hash = 0;
  std::vector<uint8_t> metadata;
  std::vector<uint32_t> metadata_lengths;
  std::vector<uint32_t> section_kinds;
  std::vector<uint64_t> section_bytes;
  std::vector<uint64_t> section_hashes;
};

// How many times the unpacked bytes of a manifest count toward max_memory (spec, section 11). The
// packed message, which is at most a quarter larger, the unpacked message and the columns are in
// memory at the same time; later the columns and the Manifest are.
inline constexpr uint64_t kManifestCopies = 5;
// The most unpacked bytes that a manifest may have under these limits (L-01).
uint64_t max_unpacked_manifest(const Limits& limits);

// Calls visit(list) for every list, in the order of the pointers of spec/manifest.capnp.
template <typename Columns, typename Visit>
void for_each_list(Columns& c, Visit visit) {
  visit(c.names);
  visit(c.name_lengths);
  visit(c.dtypes);
  visit(c.ranks);
  visit(c.dims);
  visit(c.encodings);
  visit(c.params);
  visit(c.tables);
  visit(c.nonzeros);
  visit(c.view_cols);
  visit(c.rows_per_chunk);
  visit(c.fidelity);
  visit(c.error_bounds);
  visit(c.aliases);
  visit(c.opaque_bits);
  visit(c.opaque_names);
  visit(c.opaque_name_lengths);
  visit(c.chunk_bytes);
  visit(c.chunk_entries);
  visit(c.chunk_hashes);
  visit(c.metadata);
  visit(c.metadata_lengths);
  visit(c.section_kinds);
  visit(c.section_bytes);
  visit(c.section_hashes);
}

// Packed bytes -> columns (M-01, M-02). LimitMemory (L-01), before anything is allocated, if they
// unpack to more than max_unpacked bytes.
Result<ManifestColumns> parse_manifest_columns(const uint8_t* packed, size_t size,
                                               uint64_t max_unpacked);
// Columns -> packed bytes, canonical. Lists of more than 2^29 - 1 elements do not fit (LimitCount).
Result<std::vector<uint8_t>> serialise_manifest_columns(const ManifestColumns& columns);

// The memory of the columns.
uint64_t column_bytes(const ManifestColumns& columns);

// Empties a column whose values are all 0, as rule M-10 requires.
void drop_zero_column(std::vector<uint8_t>* column);
void drop_zero_column(std::vector<uint32_t>* column);
void drop_zero_column(std::vector<double>* column);

}  // namespace dcf::impl::format
