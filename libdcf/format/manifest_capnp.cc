// SPDX-License-Identifier: Apache-2.0
// Columns <-> Cap'n Proto: the only file that includes it. Its exceptions stop here.
#include <capnp/message.h>
#include <capnp/serialize-packed.h>
#include <kj/io.h>

#include <algorithm>
#include <new>

#include "format/manifest_columns.h"
#include "manifest.capnp.h"

namespace dcf::impl {
namespace {

Status malformed() {
  return fail(Code::BadManifest, "M-01", "the manifest is not a well-formed message");
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

// Sizes are known to the message only; no list may claim more elements than its words can hold.
template <typename List, typename T>
void copy_list(const List& list, uint64_t max_bytes, std::vector<T>* out) {
  KJ_REQUIRE(uint64_t{list.size()} * sizeof(T) <= max_bytes, "list is larger than the message");
  out->reserve(list.size());
  for (auto v : list) out->push_back(v);
}

void copy_data(const capnp::Data::Reader& data, std::vector<uint8_t>* out) {
  out->assign(data.begin(), data.end());
}

void read_message(Manifest::Reader m, uint64_t max, ManifestColumns* c) {
  copy_data(m.getNames(), &c->names);
  copy_list(m.getNameLengths(), max, &c->name_lengths);
  copy_data(m.getDtypes(), &c->dtypes);
  copy_data(m.getRanks(), &c->ranks);
  copy_list(m.getDims(), max, &c->dims);
  copy_data(m.getEncodings(), &c->encodings);
  copy_data(m.getParams(), &c->params);
  copy_list(m.getTables(), max, &c->tables);
  copy_list(m.getNonzeros(), max, &c->nonzeros);
  copy_list(m.getViewCols(), max, &c->view_cols);
  copy_list(m.getRowsPerChunk(), max, &c->rows_per_chunk);
  copy_data(m.getFidelity(), &c->fidelity);
  copy_list(m.getErrorBounds(), max, &c->error_bounds);
  copy_list(m.getAliases(), max, &c->aliases);
  copy_list(m.getOpaqueBits(), max, &c->opaque_bits);
  copy_data(m.getOpaqueNames(), &c->opaque_names);
  copy_data(m.getOpaqueNameLengths(), &c->opaque_name_lengths);
  copy_list(m.getChunkBytes(), max, &c->chunk_bytes);
  copy_list(m.getChunkEntries(), max, &c->chunk_entries);
  copy_list(m.getChunkHashes(), max, &c->chunk_hashes);
  c->table_count = m.getTableCount();
  c->table_bytes = m.getTableBytes();
  c->table_hash = m.getTableHash();
  copy_data(m.getMetadata(), &c->metadata);
  copy_list(m.getMetadataLengths(), max, &c->metadata_lengths);
  copy_list(m.getSectionKinds(), max, &c->section_kinds);
  copy_list(m.getSectionBytes(), max, &c->section_bytes);
  copy_list(m.getSectionHashes(), max, &c->section_hashes);
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

std::vector<uint8_t> pack_canonical(const ManifestColumns& columns) {
  capnp::MallocMessageBuilder builder;
  write_message(columns, builder.initRoot<Manifest>());
  const kj::Array<capnp::word> words =
      capnp::canonicalize(builder.getRoot<Manifest>().asReader());
  kj::VectorOutputStream out;
  {
    kj::BufferedOutputStreamWrapper buffered(out);
    capnp::_::PackedOutputStream packed(buffered);
    packed.write(words.begin(), words.size() * sizeof(capnp::word));
    buffered.flush();
  }
  return {out.getArray().begin(), out.getArray().end()};
}

}  // namespace

Result<ManifestColumns> parse_manifest_columns(const uint8_t* packed, size_t size,
                                               uint64_t max_unpacked) {
  uint64_t words = 0;
  if (!count_words(packed, size, &words) || words == 0) return malformed();
  if (words > max_unpacked / sizeof(capnp::word)) {
    return fail(Code::LimitMemory, "L-01", "the manifest unpacks to more than the limit");
  }
  try {
    auto segment = kj::heapArray<capnp::word>(words);
    kj::ArrayInputStream input(kj::arrayPtr(packed, size));
    capnp::_::PackedInputStream unpacked(input);
    unpacked.read(segment.begin(), words * sizeof(capnp::word));
    const kj::ArrayPtr<const capnp::word> segments[1] = {segment};
    capnp::ReaderOptions options;
    options.traversalLimitInWords = 2 * words + 64;
    options.nestingLimit = 4;
    capnp::SegmentArrayMessageReader message(kj::arrayPtr(segments, 1), options);
    ManifestColumns columns;
    read_message(message.getRoot<Manifest>(), words * sizeof(capnp::word), &columns);
    const std::vector<uint8_t> again = pack_canonical(columns);
    if (!std::equal(again.begin(), again.end(), packed, packed + size)) {
      return fail(Code::NonCanonical, "M-02", "the manifest is not in canonical form");
    }
    return columns;
  } catch (const kj::Exception&) {
    return malformed();
  } catch (const std::bad_alloc&) {
    return fail(Code::OutOfMemory, "", "the machine is out of memory");
  }
}

Result<std::vector<uint8_t>> serialise_manifest_columns(const ManifestColumns& columns) {
  try {
    return pack_canonical(columns);
  } catch (const kj::Exception&) {
    return fail(Code::LimitCount, "L-01", "the manifest has more elements than a message can hold");
  } catch (const std::bad_alloc&) {
    return fail(Code::OutOfMemory, "", "the machine is out of memory");
  }
}

}  // namespace dcf::impl
