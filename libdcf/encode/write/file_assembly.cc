// SPDX-License-Identifier: Apache-2.0
#include "encode/write/file_assembly.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "base/hash.h"
#include "codec/code_lengths.h"
#include "format/coded_names.h"
#include "format/layout.h"

namespace dcf::impl::encode {
namespace {

// From this many bytes on, names are coded only where that halves them. Names without order, such
// as digests, shrink less, and would take longer to open than to read.
constexpr size_t kManyNames = size_t{1} << 16;

class Assembly {
 public:
  // `positions`: those of all tensors; nothing: the smallest of each tensor.
  // `coded_names`: the coded form of the names of all tensors.
  Assembly(const FileContents& contents, Bytes coded_names,
           std::optional<format::Positions> positions)
      : contents_(contents),
        coded_names_(coded_names),
        positions_(positions),
        owner_index_(contents.stored.size()) {}

  // Manifest, tables section and header.
  Status build() {
    for (const auto& [name, added] : contents_.tensors) add(name, added);
    for (const auto& [key, value] : contents_.metadata) manifest_.metadata.emplace_back(key, value);
    for (const auto& [kind, section] : contents_.sections) {
      manifest_.sections.push_back({kind, false, section.bytes, section.hash});
    }
    tables_.insert(tables_.end(), codebooks_.begin(), codebooks_.end());
    manifest_.table_count = static_cast<uint32_t>(table_ids_.size());
    manifest_.table_bytes = tables_.size();
    manifest_.table_hash = hash_bytes(tables_);
    DCF_TRY(pack_manifest());
    DCF_ASSIGN(layout_, format::compute_layout(manifest_, packed_.size()));
    return ok_status();
  }
  uint64_t size() const { return layout_.file_size; }

  Status write(const io::Spool& spool, uint64_t max_memory, Progress& progress,
               io::Sink& sink) const {
    DCF_TRY(check_opens(max_memory));
    format::Header header;
    header.features = coded_ ? format::kCodedNames : 0;
    for (const format::Tensor& t : manifest_.tensors) {
      if (t.alias_of == kNoTensor) header.features |= format::features_of(t.encoding, t.dtype);
    }
    header.file_size = layout_.file_size;
    header.manifest_size = packed_.size();
    header.manifest_hash = hash_bytes(packed_);
    DCF_TRY(progress.begin(layout_.file_size));
    // From the first byte of the file on nothing is allocated that might not be there.
    std::vector<uint8_t> room(static_cast<size_t>(std::min(io::Spool::kBlockBytes, spool.size())));
    DCF_TRY(sink.append(format::serialise_header(header)));
    DCF_TRY(sink.append(packed_));
    DCF_TRY(sink.append(tables_));
    uint64_t at = layout_.tables_offset + tables_.size();
    DCF_TRY(write_payload(spool, room, progress, sink, &at));
    for (const auto& [kind, section] : contents_.sections) {
      DCF_TRY(write_range(spool, section.offset, section.bytes, room, progress, sink, &at));
    }
    return ok_status();
  }

 private:
  const StoredEncoding& encoding_of(const StoredTensor& stored) const {
    const size_t which = positions_ ? stored.by_positions[static_cast<size_t>(*positions_)] : 0;
    return stored.encodings[which];
  }

  void add(const std::string& name, const AddedTensor& added) {
    const StoredTensor& stored = contents_.stored[added.stored];
    const EncodedTensor& encoded = encoding_of(stored).encoded;
    format::Tensor tensor = encoded.tensor;
    tensor.name = name;
    tensor.dims = added.dims;
    tensor.opaque_name = added.opaque_name;
    if (name != stored.owner) {
      // The owner has the lowest name of those that share the data, so its index is known already.
      tensor.alias_of = owner_index_[added.stored];
      manifest_.tensors.push_back(tensor);
      return;
    }
    owner_index_[added.stored] = manifest_.tensors.size();
    const format::Roles roles = format::roles_of(tensor.encoding, tensor.dtype);
    for (size_t k = 0; k < roles.count; ++k) tensor.tables[k] = table_number(encoded.tables[k]);
    codebooks_.insert(codebooks_.end(), encoded.codebook.begin(), encoded.codebook.end());
    tensor.first_chunk = manifest_.chunks.size();
    tensor.chunks = encoded.chunks.size();
    manifest_.chunks.insert(manifest_.chunks.end(), encoded.chunks.begin(), encoded.chunks.end());
    manifest_.tensors.push_back(tensor);
    payload_.push_back(&encoding_of(stored));
  }

  // The number of a table. Equal tables share one.
  uint32_t table_number(const std::vector<uint8_t>& record) {
    if (record.empty()) return 0;
    const auto next = static_cast<uint32_t>(table_ids_.size() + 1);
    const auto [it, is_new] = table_ids_.emplace(std::string(record.begin(), record.end()), next);
    if (is_new) tables_.insert(tables_.end(), record.begin(), record.end());
    return it->second;
  }

  // Packs the manifest with the names as they are or coded, whichever is smaller, where coding is
  // worth its time.
  Status pack_manifest() {
    format::ManifestColumns columns = format::manifest_columns(manifest_);
    const bool worth_while =
        !coded_names_.empty() &&
        (columns.names.size() < kManyNames || coded_names_.size() <= columns.names.size() / 2);
    DCF_ASSIGN(packed_, format::serialise_manifest_columns(columns));
    if (!worth_while) return ok_status();
    columns.names.assign(coded_names_.begin(), coded_names_.end());
    columns.name_lengths.clear();
    DCF_ASSIGN(std::vector<uint8_t> coded, format::serialise_manifest_columns(columns));
    coded_ = coded.size() < packed_.size();
    if (coded_) packed_ = std::move(coded);
    return ok_status();
  }

  // The reader's own checks, as Model::open makes them.
  Status check_opens(uint64_t max_memory) const {
    Limits limits;
    limits.max_memory = std::min(limits.max_memory, max_memory);
    DCF_ASSIGN(format::ManifestColumns columns,
               format::parse_manifest_columns(packed_.data(), packed_.size(),
                                              format::max_unpacked_manifest(limits)));
    columns.coded_names = coded_;
    DCF_ASSIGN(const format::Manifest manifest,
               format::validate_manifest(std::move(columns), limits));
    uint64_t words = 0;
    uint64_t units = 0;
    uint64_t scales = 0;
    for (const StoredEncoding* stored : payload_) {
      words += stored->encoded.tensor.encoding.palette_size;
      units += stored->encoded.tensor.encoding.unit_map_size();
      scales += stored->encoded.tensor.encoding.grid_units;
    }
    const uint64_t tables = table_ids_.size() * sizeof(codec::CodeLengths) +
                            sizeof(uint64_t) * words + units + sizeof(float) * scales +
                            manifest_.tensors.size() * 4 * sizeof(uint64_t) + tables_.size();
    const uint64_t held = format::manifest_memory(manifest);
    return held > limits.max_memory || tables > limits.max_memory - held
               ? fail(Code::LimitMemory, "L-01", "the tables need more memory than the limit")
               : ok_status();
  }

  Status write_payload(const io::Spool& spool, MutableBytes room, Progress& progress,
                       io::Sink& sink, uint64_t* at) const {
    static constexpr std::array<uint8_t, kRawAlignment> kZeros{};
    size_t chunk = 0;
    for (const StoredEncoding* stored : payload_) {
      const std::vector<format::Chunk>& chunks = stored->encoded.chunks;
      if (chunks.empty()) continue;
      const uint64_t start = layout_.chunk_offsets[chunk];
      DCF_TRY(sink.append(Bytes(kZeros).first(static_cast<size_t>(start - *at))));
      *at = start;
      chunk += chunks.size();
      DCF_TRY(
          write_range(spool, stored->offset, stored->encoded.payload, room, progress, sink, at));
    }
    return ok_status();
  }

  // Copies bytes of the spool to offset *at of the file. `room` is not empty if the spool is not.
  static Status write_range(const io::Spool& spool, uint64_t offset, uint64_t bytes,
                            MutableBytes room, Progress& progress, io::Sink& sink, uint64_t* at) {
    return spool.read_pieces(offset, bytes, room, [&](Bytes piece) -> Status {
      DCF_TRY(sink.append(piece));
      *at += piece.size();
      return progress.update(*at);
    });
  }

  const FileContents& contents_;
  const Bytes coded_names_;
  const std::optional<format::Positions> positions_;
  format::ManifestParts manifest_;
  std::vector<uint8_t> packed_;  // the manifest as stored
  bool coded_ = false;           // with coded names
  format::Layout layout_;
  std::vector<uint64_t> owner_index_;           // stored tensor -> tensor of the file
  std::vector<const StoredEncoding*> payload_;  // in file order
  std::map<std::string, uint32_t> table_ids_;   // record -> number of the table
  std::vector<uint8_t> tables_;
  std::vector<uint8_t> codebooks_;
};

std::vector<uint8_t> coded_names_of(const FileContents& contents) {
  std::vector<uint8_t> names;
  std::vector<uint16_t> lengths;
  for (const auto& [name, added] : contents.tensors) {
    names.insert(names.end(), name.begin(), name.end());
    lengths.push_back(static_cast<uint16_t>(name.size()));
  }
  return format::code_names(names, lengths);
}

}  // namespace

Status write_file(const FileContents& contents, const io::Spool& spool, uint64_t max_memory,
                  Progress& progress, io::Sink& sink) {
  const std::vector<uint8_t> names = coded_names_of(contents);
  auto best = std::make_unique<Assembly>(contents, names, std::nullopt);
  DCF_TRY(best->build());
  const bool alternatives =
      std::any_of(contents.stored.begin(), contents.stored.end(),
                  [](const StoredTensor& stored) { return stored.encodings.size() > 1; });
  if (alternatives) {
    for (const format::Positions positions :
         {format::Positions::kDense, format::Positions::kBitmap, format::Positions::kGap,
          format::Positions::kGapBucket}) {
      auto other = std::make_unique<Assembly>(contents, names, positions);
      DCF_TRY(other->build());
      if (other->size() < best->size()) best = std::move(other);
    }
  }
  return best->write(spool, max_memory, progress, sink);
}

}  // namespace dcf::impl::encode
