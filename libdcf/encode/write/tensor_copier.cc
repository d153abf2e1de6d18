// SPDX-License-Identifier: Apache-2.0
#include "encode/write/tensor_copier.h"

#include "encode/write/part_file.h"

namespace dcf::impl::encode {
namespace {

Status bad_part() {
  return fail(Code::BadSection, "", "the index of a part does not fit its tensors");
}

}  // namespace

Status TensorCopier::check_whole() const {
  if (cut_ != nullptr) return fail(Code::BadState, "", "ranges of a tensor are missing");
  return ok_status();
}

Status TensorCopier::copy(const CopySource& source) {
  const TensorSpec& spec = source.spec;
  DCF_TRY(state_.check_new(spec.name));
  AddedTensor added = WriterState::describe(spec);
  const auto key = std::make_pair(source.file, source.data);
  const auto known = by_copy_.find(key);
  if (known != by_copy_.end()) {
    added.stored = known->second;
    StoredTensor& target = state_.stored(added);
    if (spec.name < target.owner) target.owner = spec.name;
  } else {
    DCF_ASSIGN(StoredTensor copied, store_copy(source));
    added.stored = state_.keep(std::move(copied));
    by_copy_.emplace(key, added.stored);
  }
  return state_.insert(spec.name, std::move(added));
}

Result<StoredTensor> TensorCopier::store_copy(const CopySource& source) {
  StoredTensor result;
  result.owner = source.spec.name;
  result.dims.assign(source.spec.dims.begin(), source.spec.dims.end());
  uint64_t payload = 0;
  for (const format::Chunk& chunk : source.encoded.chunks) payload += chunk.bytes;
  DCF_TRY(progress_.begin(payload));
  uint64_t done = 0;
  DCF_ASSIGN(StoredEncoding encoding, copy_encoding(source, &done));
  result.encodings.push_back(std::move(encoding));
  DCF_TRY(state_.hold(result));
  return result;
}

// `done` counts the bytes of the call.
Result<StoredEncoding> TensorCopier::copy_encoding(const CopySource& source, uint64_t* done) {
  StoredEncoding encoding;
  encoding.encoded = source.encoded;
  encoding.offset = state_.spool().size();
  for (uint64_t k = 0; k < source.encoded.chunks.size(); ++k) {
    if (source.encoded.chunks[static_cast<size_t>(k)].bytes > state_.available()) {
      return WriterState::too_large();
    }
    DCF_ASSIGN(const Bytes bytes, source.read(k));
    DCF_TRY(state_.spool().append(bytes));
    encoding.encoded.payload += bytes.size();
    DCF_TRY(progress_.update(*done += bytes.size()));
  }
  return encoding;
}

Status TensorCopier::add_part(const PartSource& part) {
  DCF_ASSIGN(const std::vector<PartEntry> entries, parse_part_index(part.index));
  uint64_t tensors = 0;
  for (const PartEntry& entry : entries) tensors += entry.encodings;
  if (tensors != part.tensors) return bad_part();
  DCF_TRY(progress_.begin(part.payload));
  uint64_t done = 0;
  size_t at = 0;
  for (const PartEntry& entry : entries) {
    DCF_TRY(add_entry(part, entry, at, &done));
    at += static_cast<size_t>(entry.encodings);
  }
  return progress_.update(progress_.total());
}

// Adds the tensor of an entry, whose encodings start at tensor `at` of the part.
Status TensorCopier::add_entry(const PartSource& part, const PartEntry& entry, size_t at,
                               uint64_t* done) {
  DCF_ASSIGN(const CopySource first, part.open(at));
  TensorSpec spec = first.spec;
  spec.name = entry.name;
  spec.dims = entry.dims;
  DCF_ASSIGN(const TensorSize size, check_spec(spec, {}));
  if (entry.is_range()) return add_range_entry(first, entry, spec, size, done);
  DCF_TRY(check_whole());
  DCF_TRY(state_.check_new(entry.name));
  if (size.elements != first.encoded.tensor.elements) return bad_part();
  AddedTensor added = WriterState::describe(spec);
  const auto key = std::make_pair(first.file, first.data);
  const auto known = by_copy_.find(key);
  if (known != by_copy_.end()) {
    added.stored = known->second;
    return state_.insert(entry.name, std::move(added));
  }
  StoredTensor data;
  data.owner = entry.name;
  data.dims = added.dims;
  data.by_positions = entry.by_positions;
  for (size_t k = 0; k < entry.encodings; ++k) {
    DCF_ASSIGN(const CopySource source, part.open(at + k));
    const format::Tensor& tensor = source.encoded.tensor;
    if (tensor.dtype != spec.dtype || tensor.bits != size.bits ||
        tensor.elements != size.elements) {
      return bad_part();
    }
    DCF_ASSIGN(StoredEncoding encoding, copy_encoding(source, done));
    data.encodings.push_back(std::move(encoding));
  }
  DCF_TRY(state_.hold(data));
  added.stored = state_.keep(std::move(data));
  by_copy_.emplace(key, added.stored);
  return state_.insert(entry.name, std::move(added));
}

Status TensorCopier::add_range_entry(const CopySource& source, const PartEntry& entry,
                                     const TensorSpec& spec, const TensorSize& size,
                                     uint64_t* done) {
  if (cut_ == nullptr) {
    DCF_TRY(state_.check_new(entry.name));
    cut_ = std::make_unique<StoredTensor>();
    cut_->owner = entry.name;
    cut_->dims = entry.dims;
    cut_->total_chunks = entry.chunks;
  }
  if (cut_->owner != entry.name || cut_->dims != entry.dims || cut_->total_chunks != entry.chunks ||
      cut_->first_chunk != entry.first_chunk) {
    return fail(Code::BadState, "", "the ranges of a tensor do not follow each other");
  }
  DCF_ASSIGN(StoredEncoding range, copy_encoding(source, done));
  DCF_TRY(state_.hold(range.encoded.chunks.size() * sizeof(format::Chunk)));
  cut_->first_chunk += range.encoded.chunks.size();
  DCF_TRY(append_range(std::move(range), cut_.get()));
  if (cut_->first_chunk < entry.chunks) return ok_status();
  const std::unique_ptr<StoredTensor> whole = std::move(cut_);
  if (whole->first_chunk != entry.chunks ||
      whole->encodings[0].encoded.tensor.elements != size.elements) {
    return bad_part();
  }
  whole->first_chunk = whole->total_chunks = 0;
  DCF_TRY(state_.hold(*whole));
  AddedTensor added = WriterState::describe(spec);
  added.stored = state_.keep(std::move(*whole));
  return state_.insert(entry.name, std::move(added));
}

}  // namespace dcf::impl::encode
