// SPDX-License-Identifier: Apache-2.0
#include "model/model.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>

#include "base/checked.h"
#include "base/hash.h"

namespace dcf::impl::model {
namespace {

// The bytes at `offset`, in place where the source can show them, else in `storage`.
Result<Bytes> read(const io::Source& source, uint64_t offset, uint64_t size,
                   BigVector<uint8_t>* storage) {
  if (const Bytes view = source.view(offset, size); view.size() == size) return view;
  resize_scratch(storage, size);
  Status s = source.read_at(offset, *storage);
  if (!s.ok()) return s.at(offset);
  return Bytes(*storage);
}

// A failure inside the tables section, at its place in the file.
Status shifted(Status s, uint64_t by) {
  s.offset = s.offset == kNoOffset ? by : s.offset + by;
  return s;
}

// Features that tensors use must be announced, so that older readers know that they are too old.
Status check_features(const format::Header& header, const format::ManifestParts& manifest) {
  for (size_t i = 0; i < manifest.tensors.size(); ++i) {
    const format::Tensor& t = manifest.tensors[i];
    if ((format::features_of(t.encoding, t.dtype) & ~header.features) == 0) continue;
    return fail(Code::BadManifest, "M-16", "the feature bit of a tensor's encoding is not set")
        .at(format::kHeaderBytes)
        .in_tensor(i);
  }
  return ok_status();
}

// Reads the manifest that the header tells of, and checks it.
Result<format::Manifest> read_manifest(const io::Source& in, const format::Header& header,
                                       const Limits& limits) {
  if (header.manifest_size > limits.max_manifest) {
    return fail(Code::LimitMemory, "L-01", "the packed manifest is larger than max_manifest");
  }
  if (header.manifest_size > limits.max_memory) {
    return fail(Code::LimitMemory, "L-01", "the packed manifest is larger than max_memory");
  }
  const uint64_t max_unpacked = format::max_unpacked_manifest(limits);
  const auto unpack = [&]() -> Result<format::ManifestColumns> {
    BigVector<uint8_t> storage;
    DCF_ASSIGN(const Bytes packed, read(in, format::kHeaderBytes, header.manifest_size, &storage));
    if (hash_bytes(packed) != header.manifest_hash) {
      return fail(Code::ChecksumMismatch, "H-07", "the manifest's checksum does not match");
    }
    return format::parse_manifest_columns(packed.data(), packed.size(), max_unpacked);
  };
  Result<format::ManifestColumns> columns = unpack();
  if (!columns.ok()) {
    Status s = columns.status();
    if (s.code == Code::LimitMemory && max_unpacked < limits.max_manifest)
      s.message = "the manifest unpacks to more than a fifth of max_memory";
    return s;
  }
  columns.value().coded_names = (header.features & format::kCodedNames) != 0;
  DCF_ASSIGN(format::Manifest manifest, format::validate_manifest(columns.take(), limits));
  DCF_TRY(check_features(header, *manifest));
  return manifest;
}

}  // namespace

Result<std::unique_ptr<Model>> Model::open(std::unique_ptr<io::Source> source, const Limits& limits,
                                           const Parallel& parallel) {
  const io::Source& in = *source;
  BigVector<uint8_t> storage;
  DCF_ASSIGN(const Bytes head,
             read(in, 0, std::min<uint64_t>(in.size(), format::kHeaderBytes), &storage));
  DCF_ASSIGN(const format::Header header, format::parse_header(head, in.size()));
  Result<format::Manifest> manifest = read_manifest(in, header, limits);
  if (!manifest.ok()) return manifest.status().at(format::kHeaderBytes);
  std::unique_ptr<Model> model(new Model(manifest.take()));
  model->limits_ = limits;
  model->parallel_ = parallel;
  model->source_ = std::move(source);
  model->header_ = header;
  model->resident_ = format::manifest_memory(model->manifest_);
  Result<format::Layout> layout = format::compute_layout(*model->manifest_, header.manifest_size);
  if (!layout.ok()) return layout.status().at(format::kFileSizeAt);
  model->layout_ = layout.take();
  if (model->layout_.file_size != header.file_size) {
    return fail(Code::BadHeader, "K-06", "the parts of the file do not add up to its size")
        .at(format::kFileSizeAt);
  }

  const uint64_t table_bytes = model->manifest_->table_bytes;
  const uint64_t tables_at = model->layout_.tables_offset;
  model->resident_ += tables_memory(*model->manifest_);
  // The section itself is there too while it is parsed.
  if (model->resident_ > limits.max_memory || table_bytes > limits.max_memory - model->resident_) {
    return fail(Code::LimitMemory, "L-01", "the tables take more than max_memory").at(tables_at);
  }
  DCF_ASSIGN(const Bytes section, read(in, tables_at, table_bytes, &storage));
  if (hash_bytes(section) != model->manifest_->table_hash) {
    return fail(Code::ChecksumMismatch, "T-01", "the checksum of the tables does not match")
        .at(tables_at);
  }
  Result<Tables> tables = parse_tables(section, *model->manifest_);
  if (!tables.ok()) return shifted(tables.status(), tables_at);
  model->tables_ = tables.take();
  model->budget_.reset(limits.max_memory - model->resident_);
  return model;
}

Result<Bytes> Model::read_chunk(size_t tensor, uint64_t chunk, BigVector<uint8_t>* storage) const {
  const uint64_t index = manifest_->tensors[tensor].first_chunk + chunk;
  const format::Chunk& info = manifest_->chunks[index];
  const uint64_t offset = layout_.chunk_offsets[index];
  Result<Bytes> bytes = read(*source_, offset, info.bytes, storage);
  if (!bytes.ok()) return bytes.status().at(offset).in_tensor(tensor);
  if (hash_bytes(bytes.value()) != info.hash) {
    return fail(Code::ChecksumMismatch, "K-03", "the checksum of a chunk does not match")
        .at(offset)
        .in_tensor(tensor);
  }
  return bytes;
}

Status Model::in_data(size_t tensor, const Status& s) const {
  if (s.ok()) return s;
  const format::Tensor& t = manifest_->tensors[tensor];
  return s.at(t.chunks == 0 ? format::kHeaderBytes : layout_.chunk_offsets[t.first_chunk])
      .in_tensor(tensor);
}

uint64_t Model::scratch_bytes(size_t tensor, ChunkRange chunks) const {
  const format::Tensor& t = manifest_->tensors[tensor];
  if (chunks.size() == 0) return 0;
  uint64_t entries = 0;
  uint64_t bytes = 0;
  for (uint64_t i = chunks.first; i < chunks.last; ++i) {
    entries = std::max<uint64_t>(entries, manifest_->chunks[t.first_chunk + i].entries);
    bytes = std::max<uint64_t>(bytes, manifest_->chunks[t.first_chunk + i].bytes);
  }
  const uint64_t elements = t.chunk_elements(0);
  return chunk_scratch_bytes(t, elements, entries, bytes) + ceil_div(elements * t.bits, 8) +
         table_memory(tensor);
}

MemoryShare Model::take_memory(MemoryNeed need, uint64_t most) const {
  MemoryShare share = budget_.take(need, most);
  if (share.workers() >= most) return share;
  share = {};
  scratches_.clear();
  return budget_.take(need, most);
}

uint64_t Model::table_memory(size_t tensor) const {
  const format::Tensor& t = manifest_->tensors[tensor];
  const auto tables = static_cast<uint64_t>(
      std::count_if(t.tables.begin(), t.tables.end(), [](uint32_t id) { return id != 0; }));
  return tables * codec::DecodeTable::kMemory + ClassOrder::memory(t.encoding) +
         RowDelta::memory(t.encoding);
}

uint64_t Model::encoded_bytes(size_t tensor, ChunkRange chunks) const {
  const format::Tensor& t = manifest_->tensors[tensor];
  if (chunks.size() == t.chunks) return t.encoded_bytes;
  uint64_t bytes = 0;
  for (uint64_t i = chunks.first; i < chunks.last; ++i)
    bytes += manifest_->chunks[t.first_chunk + i].bytes;
  return bytes;
}

Status Model::check_nonzeros(size_t tensor, uint64_t counted) const {
  if (counted == manifest_->tensors[tensor].nonzeros) return ok_status();
  return in_data(tensor, fail(Code::BadCount, "K-05",
                              "the nonzeros of a tensor differ from the declared number"));
}

Status Model::for_items(size_t n, uint64_t workers, const ItemBody& body) const {
  Parallel parallel = parallel_;
  parallel.threads = static_cast<unsigned>(workers);
  std::mutex mutex;
  std::atomic<size_t> failed{n};  // the lowest item that failed
  Status failure;
  parallel.run(n, [&](size_t item) {
    if (item > failed.load(std::memory_order_relaxed)) return;
    Status s;
    try {
      s = body(item);
    } catch (const std::bad_alloc&) {
      s = fail(Code::OutOfMemory, "", "the machine is out of memory");
    }
    if (s.ok()) return;
    const std::lock_guard lock(mutex);
    if (item < failed.load()) {
      failed = item;
      failure = s;
    }
  });
  return failure;
}

}  // namespace dcf::impl::model
