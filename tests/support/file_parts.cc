// SPDX-License-Identifier: Apache-2.0
#include "support/file_parts.h"

#include <cstdio>
#include <cstdlib>

#include "base/hash.h"

namespace dcf::impl::testing {
namespace {

void require(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "test support: %s\n", what);
  std::abort();
}

Blob slice(Bytes file, uint64_t offset, uint64_t size) {
  const Bytes part = file.subspan(offset, size);
  return {part.begin(), part.end()};
}

void append(Blob* out, const Blob& bytes) {
  out->insert(out->end(), bytes.begin(), bytes.end());
}

template <typename Size>
void describe(const std::vector<Blob>& blobs, std::vector<Size>* sizes,
              std::vector<uint64_t>* hashes) {
  sizes->clear();
  hashes->clear();
  for (const Blob& blob : blobs) {
    sizes->push_back(static_cast<Size>(blob.size()));
    hashes->push_back(hash_bytes(blob));
  }
}

void fit_columns(FileParts* parts) {
  format::ManifestColumns& c = parts->columns;
  describe(parts->chunks, &c.chunk_bytes, &c.chunk_hashes);
  describe(parts->sections, &c.section_bytes, &c.section_hashes);
  c.table_bytes = parts->tables.size();
  c.table_hash = hash_bytes(parts->tables);
}

// Bytes of padding in front of each chunk.
std::vector<uint64_t> paddings(const FileParts& parts, uint64_t manifest_size) {
  std::vector<uint64_t> out(parts.chunks.size());
  Result<format::Manifest> manifest = format::validate_manifest(parts.columns, Limits{});
  if (!manifest.ok()) return out;
  uint64_t at = format::kHeaderBytes + manifest_size + parts.tables.size();
  for (const format::Tensor& t : manifest.value()->tensors) {
    if (t.chunks == 0) continue;
    out[t.first_chunk] = format::padding_before(*manifest.value(), t, at);
    at += out[t.first_chunk];
    for (uint64_t i = 0; i < t.chunks; ++i) at += parts.chunks[t.first_chunk + i].size();
  }
  return out;
}

}  // namespace

std::optional<FileParts> split_file(Bytes file) {
  FileParts parts;
  Result<format::Header> header = format::parse_header(file, file.size());
  if (!header.ok()) return std::nullopt;
  parts.header = header.value();
  const Bytes packed = file.subspan(format::kHeaderBytes, parts.header.manifest_size);
  Result<format::ManifestColumns> columns =
      format::parse_manifest_columns(packed.data(), packed.size(), uint64_t{16} << 20);
  if (!columns.ok()) return std::nullopt;
  parts.columns = columns.take();
  parts.columns.coded_names = (parts.header.features & format::kCodedNames) != 0;
  Result<format::Manifest> manifest = format::validate_manifest(parts.columns, Limits{});
  if (!manifest.ok()) return std::nullopt;
  Result<format::Layout> layout = format::compute_layout(*manifest.value(), packed.size());
  if (!layout.ok() || layout.value().file_size != file.size()) return std::nullopt;
  parts.tables = slice(file, layout.value().tables_offset, parts.columns.table_bytes);
  for (size_t i = 0; i < parts.columns.chunk_bytes.size(); ++i) {
    parts.chunks.push_back(
        slice(file, layout.value().chunk_offsets[i], parts.columns.chunk_bytes[i]));
  }
  for (size_t i = 0; i < parts.columns.section_bytes.size(); ++i) {
    parts.sections.push_back(
        slice(file, layout.value().section_offsets[i], parts.columns.section_bytes[i]));
  }
  return parts;
}

FileParts take_apart(Bytes file) {
  std::optional<FileParts> parts = split_file(file);
  require(parts.has_value(), "a file that should be valid is not");
  return *std::move(parts);
}

Blob assemble(FileParts parts) {
  fit_columns(&parts);
  Result<Blob> manifest = format::serialise_manifest_columns(parts.columns);
  require(manifest.ok(), "the manifest cannot be written");
  return assemble_with_manifest(parts, manifest.value());
}

Blob assemble_with_manifest(const FileParts& original, const Blob& manifest) {
  FileParts parts = original;
  fit_columns(&parts);
  Blob out(format::kHeaderBytes);
  append(&out, manifest);
  append(&out, parts.tables);
  const std::vector<uint64_t> padding = paddings(parts, manifest.size());
  for (size_t i = 0; i < parts.chunks.size(); ++i) {
    out.insert(out.end(), padding[i], parts.padding_byte);
    append(&out, parts.chunks[i]);
  }
  for (const Blob& section : parts.sections) append(&out, section);
  parts.header.file_size = out.size();
  parts.header.manifest_size = manifest.size();
  parts.header.manifest_hash = hash_bytes(manifest);
  const auto header = format::serialise_header(parts.header);
  std::copy(header.begin(), header.end(), out.begin());
  return out;
}

void repair_header(MutableBytes file) {
  if (file.size() < format::kHeaderBytes) return;
  const uint64_t size = load_le<uint64_t>(&file[32]);
  if (file.size() > format::kHeaderBytes && size <= file.size() - format::kHeaderBytes) {
    store_le(&file[40], hash_bytes(Bytes(file).subspan(format::kHeaderBytes, size)));
  }
  store_le(&file[56], hash_bytes(Bytes(file).first(56)));
}

Result<std::unique_ptr<model::Model>> open_bytes(Bytes file, unsigned threads,
                                                 const Limits& limits) {
  Parallel parallel;
  parallel.threads = threads;
  return model::Model::open(std::make_unique<io::MemorySource>(file), limits, parallel);
}

Status check_bytes(Bytes file, unsigned threads, const Limits& limits) {
  Result<std::unique_ptr<model::Model>> model = open_bytes(file, threads, limits);
  return model.ok() ? model::verify(*model.value(), nullptr) : model.status();
}

}  // namespace dcf::impl::testing
