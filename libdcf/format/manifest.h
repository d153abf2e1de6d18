// SPDX-License-Identifier: Apache-2.0
// The validated manifest. A Manifest that exists obeys every rule of spec/dcf-format.md, section 4,
// and rule K-01; what depends on coded data (K-05) or on the tables is checked where those are
// read.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "format/manifest_columns.h"
#include "format/tensor.h"

namespace dcf::impl::format {

struct Chunk {
  uint32_t bytes = 0;
  uint32_t entries = 0;
  uint64_t hash = 0;
};

inline constexpr uint32_t kMaxSectionKind = 0x7FFFFFFF;
inline constexpr uint32_t kFirstReservedKind = 1;  // reserved by section 10 of the specification
inline constexpr uint32_t kLastReservedKind = 4;

struct Section {
  uint32_t kind = 0;  // without the critical bit
  bool critical = false;
  uint64_t bytes = 0;
  uint64_t hash = 0;
};

struct ManifestParts {
  ManifestParts() = default;
  ManifestParts(ManifestParts&&) = default;
  ManifestParts& operator=(ManifestParts&&) = default;

  std::vector<Tensor> tensors;  // sorted by name
  std::vector<Chunk> chunks;
  std::vector<std::pair<std::string_view, std::string_view>> metadata;  // sorted by key
  std::vector<Section> sections;
  uint32_t table_count = 0;
  uint64_t table_bytes = 0;
  uint64_t table_hash = 0;
  uint64_t name_bytes = 0;  // of the columns of names as they are stored; set when read
  // The memory that tensors and metadata point to, if the manifest was read. Each text ends in NUL.
  std::vector<char> texts;
  std::vector<uint64_t> dims;
};

// Parts that obey every rule of spec/dcf-format.md, section 4. Only validate_manifest() makes one.
class Manifest {
 public:
  const ManifestParts* operator->() const { return &parts_; }
  const ManifestParts& operator*() const { return parts_; }
  ManifestParts release() && { return std::move(parts_); }

 private:
  friend Result<Manifest> validate_manifest(ManifestColumns columns, const Limits& limits);
  explicit Manifest(ManifestParts parts) : parts_(std::move(parts)) {}
  ManifestParts parts_;
};

// Upper bound on the memory of a Manifest that was read, and of its Layout.
uint64_t manifest_memory(const Manifest& manifest);

// Columns -> Manifest. Names in the coded form are expanded first. Also checks the limits on
// counts, memory, output and entries (L-01).
Result<Manifest> validate_manifest(ManifestColumns columns, const Limits& limits);
// The inverse, for writers.
ManifestColumns manifest_columns(const ManifestParts& manifest);

}  // namespace dcf::impl::format
