// SPDX-License-Identifier: Apache-2.0
#include "format/layout.h"

#include "base/checked.h"

namespace dcf::impl::format {

uint64_t padding_before(const ManifestParts& manifest, const Tensor& tensor, uint64_t offset) {
  if (!tensor.encoding.is_raw()) return 0;
  uint64_t bytes = 0;  // cannot overflow: at most 2^64 / 2^26 chunks of 2^26 bytes
  for (uint64_t i = 0; i < tensor.chunks && bytes < kRawAlignedFrom; ++i) {
    bytes += manifest.chunks[tensor.first_chunk + i].bytes;
  }
  return bytes < kRawAlignedFrom ? 0 : (kRawAlignment - offset % kRawAlignment) % kRawAlignment;
}

Result<Layout> compute_layout(const ManifestParts& manifest, uint64_t manifest_size) {
  const Status too_large =
      fail(Code::BadHeader, "K-06", "the parts of the file add up to too much");
  Layout layout;
  uint64_t at = 0;
  if (!checked_add(kHeaderBytes, manifest_size, &at)) return too_large;
  layout.tables_offset = at;
  if (!checked_add(at, manifest.table_bytes, &at)) return too_large;
  layout.chunk_offsets.reserve(manifest.chunks.size());
  for (const Tensor& t : manifest.tensors) {
    if (!checked_add(at, padding_before(manifest, t, at), &at)) return too_large;
    for (uint64_t i = 0; i < t.chunks; ++i) {
      layout.chunk_offsets.push_back(at);
      if (!checked_add(at, manifest.chunks[t.first_chunk + i].bytes, &at)) return too_large;
    }
  }
  layout.section_offsets.reserve(manifest.sections.size());
  for (const Section& s : manifest.sections) {
    layout.section_offsets.push_back(at);
    if (!checked_add(at, s.bytes, &at)) return too_large;
  }
  layout.file_size = at;
  return layout;
}

}  // namespace dcf::impl::format
