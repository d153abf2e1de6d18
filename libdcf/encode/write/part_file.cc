// SPDX-License-Identifier: Apache-2.0
#include "encode/write/part_file.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "encode/write/part_index.h"

namespace dcf::impl::encode {
namespace {

Status unlike_ranges() {
  return fail(Code::BadSection, "", "two ranges of a tensor were not cut from the same tensor");
}

}  // namespace

Status write_part(FileContents contents, io::Spool& spool, uint64_t max_memory, Progress& progress,
                  io::Sink& sink) {
  FileContents part;
  part.metadata = std::move(contents.metadata);
  part.sections = std::move(contents.sections);
  std::vector<PartEntry> entries;
  std::vector<size_t> first(contents.stored.size(), SIZE_MAX);  // of each, in the part
  for (auto& [name, added] : contents.tensors) {
    StoredTensor& stored = contents.stored[added.stored];
    PartEntry entry{name,
                    added.dims,
                    stored.encodings.size(),
                    stored.by_positions,
                    stored.first_chunk,
                    stored.total_chunks};
    size_t& first_stored = first[added.stored];
    const bool is_new = first_stored == SIZE_MAX;
    if (is_new) first_stored = part.stored.size();
    for (size_t k = 0; k < stored.encodings.size(); ++k) {
      AddedTensor in_part;
      in_part.dims = added.dims;
      in_part.opaque_name = added.opaque_name;
      in_part.stored = first_stored + k;
      const std::string part_name = part_tensor_name(entries.size(), k);
      if (is_new) {
        if (entry.is_range()) in_part.dims = {stored.encodings[k].encoded.tensor.elements};
        StoredTensor& single = part.stored.emplace_back();
        single.owner = part_name;
        single.dims = in_part.dims;
        single.encodings.push_back(std::move(stored.encodings[k]));
      }
      part.tensors.emplace(part_name, std::move(in_part));
    }
    entries.push_back(std::move(entry));
  }
  const std::vector<uint8_t> index = serialise_part_index(entries);
  part.sections.emplace(kPartKind, StoredSection{spool.size(), index.size(), hash_bytes(index)});
  DCF_TRY(spool.append(index));
  return write_file(part, spool, max_memory, progress, sink);
}

Status append_range(StoredEncoding range, StoredTensor* whole) {
  if (whole->encodings.empty()) {
    whole->encodings.push_back(std::move(range));
    return ok_status();
  }
  EncodedTensor& to = whole->encodings[0].encoded;
  EncodedTensor& from = range.encoded;
  format::Tensor& tensor = to.tensor;
  const bool alike = tensor.dtype == from.tensor.dtype && tensor.bits == from.tensor.bits &&
                     tensor.encoding == from.tensor.encoding && tensor.view == from.tensor.view &&
                     tensor.rows_per_chunk == from.tensor.rows_per_chunk &&
                     tensor.error_bound == from.tensor.error_bound &&
                     to.codebook == from.codebook &&
                     whole->encodings[0].offset + to.payload == range.offset;
  // Only the last range may end with a chunk that is not full.
  if (!alike || tensor.elements != to.chunks.size() * tensor.chunk_stride()) return unlike_ranges();
  for (size_t k = 0; k < to.tables.size(); ++k) {
    // A range whose chunks do without a table does not have it.
    if (from.tables[k].empty()) continue;
    if (to.tables[k].empty()) to.tables[k] = from.tables[k];
    if (to.tables[k] != from.tables[k]) return unlike_ranges();
  }
  to.chunks.insert(to.chunks.end(), from.chunks.begin(), from.chunks.end());
  to.payload += from.payload;
  tensor.elements += from.tensor.elements;
  tensor.nonzeros += from.tensor.nonzeros;
  tensor.fidelity = std::max(tensor.fidelity, from.tensor.fidelity);
  return ok_status();
}

}  // namespace dcf::impl::encode
