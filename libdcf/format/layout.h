// SPDX-License-Identifier: Apache-2.0
// Where the parts of a file lie. Only the manifest's offset is stored; all others follow from the
// sizes in the manifest (spec/dcf-format.md, sections 2 and 6).
#pragma once

#include <vector>

#include "format/header.h"
#include "format/manifest.h"

namespace dcf::impl::format {

struct Layout {
  uint64_t tables_offset = 0;
  std::vector<uint64_t> chunk_offsets;    // one per chunk
  std::vector<uint64_t> section_offsets;  // one per section
  uint64_t file_size = 0;
};

// Number of zero bytes before the tensor's first chunk if that would start at `offset` (K-02).
uint64_t padding_before(const ManifestParts& manifest, const Tensor& tensor, uint64_t offset);

// Fails only where the sizes add up to more than 2^64 (K-06).
Result<Layout> compute_layout(const ManifestParts& manifest, uint64_t manifest_size);

}  // namespace dcf::impl::format
