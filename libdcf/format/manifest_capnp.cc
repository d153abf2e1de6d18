// SPDX-License-Identifier: Apache-2.0
// Columns <-> Cap'n Proto: the only file that includes it. Its exceptions stop here.
#include <capnp/message.h>
#include <capnp/serialize-packed.h>
#include <kj/io.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "format/manifest_columns.h"
#include "manifest.capnp.h"

namespace dcf::impl {
namespace {

constexpr uint64_t kColumns = 28;  // of spec/manifest.capnp, numbers of the file included

Status malformed() {
  return fail(Code::BadManifest, "M-01", "the manifest is not a well-formed message");
}

// Cap'n Proto reports an allocation that failed with an exception of its own, of type OVERLOADED.
Status out_of_memory() {
  return fail(Code::OutOfMemory, "", "the machine is out of memory");
}

// Words the packed bytes stand for; false where they end in the middle of one. Nothing is
// allocated before this number has passed the limit: two packed bytes can stand for 2 KiB.
bool count_words(const uint8_t* packed, size_t size, uint64_t* words) {
  uint64_t n = 0;
  size_t i = 0;
  while (i < size) {
    const uint8_t tag = packed[i++];
    i += static_cast<size_t>(__builtin_popcount(tag));
    ++n;
    if (tag == 0x00 || tag == 0xFF) {
      if (i >= size) return false;
      const uint8_t run = packed[i++];
      n += run;
      if (tag == 0xFF) i += size_t{8} * run;
    }
    if (i > size) return false;
  }
  *words = n;
  return true;
}

// Copies columns out of a message of so many bytes. Lists of a well-formed message may lie over
// each other; those of a canonical one do not, so that all together are no larger than the message,
// and no more than that is copied.
class ColumnCopier {
 public:
  explicit ColumnCopier(uint64_t bytes) : bytes_(bytes), left_(bytes) {}
  bool overlapping() const { return overlapping_; }

  template <typename List, typename T>
  void copy(const List& list, std::vector<T>* out) {
    const uint64_t size = uint64_t{list.size()} * sizeof(T);
    // An element may take no bits in the message; then the list claims more than there is.
    KJ_REQUIRE(size <= bytes_, "list is larger than the message");
    overlapping_ = overlapping_ || size > left_;
    if (overlapping_) return;
    left_ -= size;
    out->reserve(list.size());
    for (auto v : list) out->push_back(v);
  }

 private:
  uint64_t bytes_;
  uint64_t left_;
  bool overlapping_ = false;
};

// False if lists overlap.
bool read_message(Manifest::Reader m, uint64_t bytes, ManifestColumns* c) {
  ColumnCopier in(bytes);
  in.copy(m.getNames(), &c->names);
  in.copy(m.getNameLengths(), &c->name_lengths);
  in.copy(m.getDtypes(), &c->dtypes);
  in.copy(m.getRanks(), &c->ranks);
  in.copy(m.getDims(), &c->dims);
  in.copy(m.getEncodings(), &c->encodings);
  in.copy(m.getParams(), &c->params);
  in.copy(m.getTables(), &c->tables);
  in.copy(m.getNonzeros(), &c->nonzeros);
  in.copy(m.getViewCols(), &c->view_cols);
  in.copy(m.getRowsPerChunk(), &c->rows_per_chunk);
  in.copy(m.getFidelity(), &c->fidelity);
  in.copy(m.getErrorBounds(), &c->error_bounds);
  in.copy(m.getAliases(), &c->aliases);
  in.copy(m.getOpaqueBits(), &c->opaque_bits);
  in.copy(m.getOpaqueNames(), &c->opaque_names);
  in.copy(m.getOpaqueNameLengths(), &c->opaque_name_lengths);
  in.copy(m.getChunkBytes(), &c->chunk_bytes);
  in.copy(m.getChunkEntries(), &c->chunk_entries);
  in.copy(m.getChunkHashes(), &c->chunk_hashes);
  c->table_count = m.getTableCount();
  c->table_bytes = m.getTableBytes();
  c->table_hash = m.getTableHash();
  in.copy(m.getMetadata(), &c->metadata);
  in.copy(m.getMetadataLengths(), &c->metadata_lengths);
  in.copy(m.getSectionKinds(), &c->section_kinds);
  in.copy(m.getSectionBytes(), &c->section_bytes);
  in.copy(m.getSectionHashes(), &c->section_hashes);
  return !in.overlapping();
}

template <typename T>
kj::ArrayPtr<const T> array(const std::vector<T>& v) {
  return kj::arrayPtr(v.data(), v.size());
}

// An empty column stays a null pointer. Fields are set in the order of their pointers, which is the
// canonical (pre-order) layout of a struct that holds no further structs.
void write_message(const ManifestColumns& c, Manifest::Builder m) {
  if (!c.names.empty()) m.setNames(array(c.names));
  if (!c.name_lengths.empty()) m.setNameLengths(array(c.name_lengths));
  if (!c.dtypes.empty()) m.setDtypes(array(c.dtypes));
  if (!c.ranks.empty()) m.setRanks(array(c.ranks));
  if (!c.dims.empty()) m.setDims(array(c.dims));
  if (!c.encodings.empty()) m.setEncodings(array(c.encodings));
  if (!c.params.empty()) m.setParams(array(c.params));
  if (!c.tables.empty()) m.setTables(array(c.tables));
  if (!c.nonzeros.empty()) m.setNonzeros(array(c.nonzeros));
  if (!c.view_cols.empty()) m.setViewCols(array(c.view_cols));
  if (!c.rows_per_chunk.empty()) m.setRowsPerChunk(array(c.rows_per_chunk));
  if (!c.fidelity.empty()) m.setFidelity(array(c.fidelity));
  if (!c.error_bounds.empty()) m.setErrorBounds(array(c.error_bounds));
  if (!c.aliases.empty()) m.setAliases(array(c.aliases));
  if (!c.opaque_bits.empty()) m.setOpaqueBits(array(c.opaque_bits));
  if (!c.opaque_names.empty()) m.setOpaqueNames(array(c.opaque_names));
  if (!c.opaque_name_lengths.empty()) m.setOpaqueNameLengths(array(c.opaque_name_lengths));
  if (!c.chunk_bytes.empty()) m.setChunkBytes(array(c.chunk_bytes));
  if (!c.chunk_entries.empty()) m.setChunkEntries(array(c.chunk_entries));
  if (!c.chunk_hashes.empty()) m.setChunkHashes(array(c.chunk_hashes));
  m.setTableCount(c.table_count);
  m.setTableBytes(c.table_bytes);
  m.setTableHash(c.table_hash);
  if (!c.metadata.empty()) m.setMetadata(array(c.metadata));
  if (!c.metadata_lengths.empty()) m.setMetadataLengths(array(c.metadata_lengths));
  if (!c.section_kinds.empty()) m.setSectionKinds(array(c.section_kinds));
  if (!c.section_bytes.empty()) m.setSectionBytes(array(c.section_bytes));
  if (!c.section_hashes.empty()) m.setSectionHashes(array(c.section_hashes));
}

kj::Array<capnp::word> canonical_message(const ManifestColumns& columns) {
  // Room for all in the first segment: it would grow by more than is needed.
  const uint64_t words = column_bytes(columns) / sizeof(capnp::word) + 2 * kColumns + 16;
  capnp::MallocMessageBuilder builder(static_cast<unsigned>(std::min<uint64_t>(words, 1u << 28)));
  write_message(columns, builder.initRoot<Manifest>());
  return capnp::canonicalize(builder.getRoot<Manifest>().asReader());
}

// Writes the canonical packed bytes of the columns.
void pack_canonical(const ManifestColumns& columns, kj::OutputStream& out) {
  const kj::Array<capnp::word> words = canonical_message(columns);
  kj::BufferedOutputStreamWrapper buffered(out);
  capnp::_::PackedOutputStream packed(buffered);
  packed.write(words.begin(), words.size() * sizeof(capnp::word));
  buffered.flush();
}

// Compares what is written with the bytes expected, without keeping it.
class CompareStream final : public kj::OutputStream {
 public:
  CompareStream(const uint8_t* expected, size_t size) : expected_(expected), left_(size) {}
  void write(const void* data, size_t size) override {
    equal_ = equal_ && size <= left_ && std::memcmp(data, expected_, size) == 0;
    if (!equal_) return;
    expected_ += size;
    left_ -= size;
  }
  bool equal() const { return equal_ && left_ == 0; }

 private:
  const uint8_t* expected_;
  size_t left_;
  bool equal_ = true;
};

// Unpacks a message of `words` words and copies its columns; false if they overlap.
bool read_packed(const uint8_t* packed, size_t size, uint64_t words, ManifestColumns* columns) {
  auto segment = kj::heapArray<capnp::word>(words);
  kj::ArrayInputStream input(kj::arrayPtr(packed, size));
  capnp::_::PackedInputStream unpacked(input);
  unpacked.read(segment.begin(), words * sizeof(capnp::word));
  const kj::ArrayPtr<const capnp::word> segments[1] = {segment};
  capnp::ReaderOptions options;
  // Each column is visited once, and may be the whole message.
  options.traversalLimitInWords = (kColumns + 1) * (words + 64);
  options.nestingLimit = 4;
  capnp::SegmentArrayMessageReader message(kj::arrayPtr(segments, 1), options);
  return read_message(message.getRoot<Manifest>(), words * sizeof(capnp::word), columns);
}

}  // namespace

uint64_t max_unpacked_manifest(const Limits& limits) {
  return std::min(limits.max_manifest, limits.max_memory / kManifestCopies);
}

Result<ManifestColumns> parse_manifest_columns(const uint8_t* packed, size_t size,
                                               uint64_t max_unpacked) {
  uint64_t words = 0;
  if (!count_words(packed, size, &words) || words == 0) return malformed();
  if (words > max_unpacked / sizeof(capnp::word)) {
    return fail(Code::LimitMemory, "L-01", "the manifest unpacks to more than the limits allow");
  }
  try {
    ManifestColumns columns;
    CompareStream again(packed, size);
    bool canonical = read_packed(packed, size, words, &columns);
    if (canonical) pack_canonical(columns, again);
    canonical = canonical && again.equal();
    if (!canonical)
      return fail(Code::NonCanonical, "M-02", "the manifest is not in canonical form");
    return columns;
  } catch (const kj::Exception& e) {
    return e.getType() == kj::Exception::Type::OVERLOADED ? out_of_memory() : malformed();
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  }
}

Result<std::vector<uint8_t>> serialise_manifest_columns(const ManifestColumns& columns) {
  try {
    kj::VectorOutputStream out;
    pack_canonical(columns, out);
    return std::vector<uint8_t>(out.getArray().begin(), out.getArray().end());
  } catch (const kj::Exception& e) {
    if (e.getType() == kj::Exception::Type::OVERLOADED) return out_of_memory();
    return fail(Code::LimitCount, "L-03", "the manifest has more elements than a message can hold");
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  }
}

}  // namespace dcf::impl
