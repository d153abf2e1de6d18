// SPDX-License-Identifier: Apache-2.0
// Columns <-> Cap'n Proto: the only file that includes it. Its exceptions stop here.
#include <capnp/message.h>
#include <capnp/serialize-packed.h>
#include <kj/io.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "format/canonical_message.h"
#include "format/manifest_columns.h"
#include "manifest.capnp.h"

namespace dcf::impl::format {
namespace {

constexpr uint64_t kColumns = 28;  // fields of spec/manifest.capnp, numbers of the file included

Status malformed() {
  return fail(Code::BadManifest, "M-01", "the manifest is not a well-formed message");
}

// Cap'n Proto reports an allocation that failed by an exception of its own, of type OVERLOADED.
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

// Copies columns out of a message. Lists of a well-formed message may overlap; those of a canonical
// one do not, so that together they are no larger than the message. No more than that is copied.
class ColumnCopier {
 public:
  explicit ColumnCopier(uint64_t bytes) : bytes_(bytes), left_(bytes) {}
  bool overlapping() const { return overlapping_; }

  template <typename List, typename T>
  void copy(const List& list, std::vector<T>* out) {
    const uint64_t size = uint64_t{list.size()} * sizeof(T);
    // An element may take no bits in the message; then the list claims more elements than the
    // message can hold.
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

// Packs a single segment without the table of segments that Cap'n Proto's public functions write.
// Only its namespace `_` has streams for that.
void pack(kj::ArrayPtr<const capnp::word> message, kj::OutputStream& out) {
  kj::BufferedOutputStreamWrapper buffered(out);
  capnp::_::PackedOutputStream packed(buffered);
  packed.write(message.begin(), message.size() * sizeof(capnp::word));
  buffered.flush();
}

// Compares the bytes that are written with those expected, and keeps none of them.
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

// Unpacks a message of `words` words and copies its columns; false if the message or its packing is
// not canonical.
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
  if (!read_message(message.getRoot<Manifest>(), words * sizeof(capnp::word), columns))
    return false;
  const kj::ArrayPtr<const kj::byte> bytes = segment.asBytes();
  if (!CanonicalMessage(*columns).equals(bytes.begin(), bytes.size())) return false;
  CompareStream again(packed, size);
  pack(segment, again);
  return again.equal();
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
    return fail(Code::LimitMemory, "L-01", "the manifest unpacks to more than max_manifest");
  }
  try {
    ManifestColumns columns;
    if (!read_packed(packed, size, words, &columns))
      return fail(Code::NonCanonical, "M-02", "the manifest is not in canonical form");
    return columns;
  } catch (const kj::Exception& e) {
    return e.getType() == kj::Exception::Type::OVERLOADED ? out_of_memory() : malformed();
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  }
}

Result<std::vector<uint8_t>> serialise_manifest_columns(const ManifestColumns& columns) {
  const CanonicalMessage message(columns);
  if (!message.fits()) {
    return fail(Code::LimitCount, "L-03", "the manifest has more elements than a message can hold");
  }
  try {
    auto words = kj::heapArray<capnp::word>(message.bytes() / sizeof(capnp::word));
    message.write(words.asBytes().begin());
    kj::VectorOutputStream out;
    pack(words, out);
    return std::vector<uint8_t>(out.getArray().begin(), out.getArray().end());
  } catch (const kj::Exception&) {
    // Nothing but an allocation can fail here.
    return out_of_memory();
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  }
}

}  // namespace dcf::impl::format
