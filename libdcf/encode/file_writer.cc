// SPDX-License-Identifier: Apache-2.0
#include "encode/file_writer.h"

#include <map>
#include <unordered_map>

#include "base/checked.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "encode/file_assembly.h"
#include "encode/grid_round.h"
#include "encode/part_file.h"
#include "encode/part_index.h"
#include "encode/range_encoder.h"
#include "encode/tensor_encoder.h"
#include "encode/tensor_equality.h"

namespace dcf::impl {
namespace {

constexpr uint64_t kMaxSpoolMemory = uint64_t{64} << 20;
constexpr uint64_t kMaxStoreMemory = uint64_t{16} << 20;

// Bytes that clustering allocates. The memory of pruning does not grow with the tensor.
uint64_t clustering_bytes(const EncodeOptions& options, const TensorSize& size) {
  const double kept = (1 - options.sparsity) * static_cast<double>(size.elements);
  const uint64_t optimum = options.init == ClusterInit::kOptimal ? uint64_t{40} << 20 : 0;
  return size.elements + static_cast<uint64_t>(kept * 3 * size.bits / 8) + optimum;
}

Status too_large_to_cluster() {
  return fail(Code::LimitMemory, "",
              "clustering or rounding the tensor needs more memory than the limit");
}

// Approximate heap memory of an entry in the map of tensors and of the lists of a stored tensor.
uint64_t resident_bytes(const StoredTensor& stored) {
  uint64_t bytes = sizeof(StoredTensor) + stored.owner.size() + 8 * stored.dims.size();
  for (const StoredEncoding& encoding : stored.encodings) {
    const EncodedTensor& e = encoding.encoded;
    bytes += sizeof(StoredEncoding) + e.chunks.size() * sizeof(Chunk) + e.codebook.size();
    for (const auto& table : e.tables) bytes += table.size();
  }
  return bytes;
}

// A tensor between begin_tensor() and end_tensor().
struct OpenTensor {
  std::string name;
  std::string opaque_name;
  std::vector<uint64_t> dims;
  TensorSpec spec;  // points into the members above
  EncodeOptions options;
  TensorSize size;
  std::unique_ptr<PieceStore> store;
  Hasher hasher;
  uint64_t reserved = 0;  // bytes of memory for the store
};

}  // namespace

class FileWriter::Impl {
 public:
  explicit Impl(const WriterOptions& options)
      : options_(options),
        progress_(options.progress),
        spool_memory_(std::min(kMaxSpoolMemory, options.max_memory / 4)),
        spool_(spool_memory_) {}

  Status add(const TensorInput& input, const EncodeOptions& options) {
    return change([&]() -> Status {
      DCF_ASSIGN(const CheckedInput checked, CheckedInput::check(input, options));
      DCF_TRY(check_idle());
      return add_checked(checked, available());
    });
  }

  Status begin_tensor(const TensorSpec& spec, const EncodeOptions& options) {
    return change([&]() -> Status {
      DCF_ASSIGN(const TensorSize size, check_spec(spec, options));
      DCF_TRY(check_idle());
      DCF_TRY(check_new(spec.name));
      auto open = std::make_unique<OpenTensor>();
      open->name = spec.name;
      open->opaque_name = spec.opaque_name;
      open->dims.assign(spec.dims.begin(), spec.dims.end());
      open->spec = {open->name, spec.dtype, spec.opaque_bits, open->opaque_name, open->dims};
      open->options = options;
      open->size = size;
      const uint64_t memory = std::min(kMaxStoreMemory, available() / 8);
      open->reserved = memory + PieceStore::overhead(size.bytes());
      if (open->reserved > available()) return writer_limit();
      if (is_read_whole(*open) && whole_bytes(*open) > available() - open->reserved) {
        return too_large_to_cluster();
      }
      const size_t width = is_raw_only(spec.dtype) ? 1 : size.bits / 8;
      open->store = std::make_unique<PieceStore>(width, memory);
      open_ = std::move(open);
      return ok_status();
    });
  }

  Status write_piece(Bytes bytes) {
    return change([&]() -> Status {
      DCF_TRY(check_usable());
      if (open_ == nullptr) return no_open_tensor();
      if (bytes.size() > open_->size.bytes() - open_->store->size()) {
        return fail(Code::InvalidArgument, "", "the pieces have more bytes than the tensor");
      }
      open_->hasher.update(bytes);
      return open_->store->append(bytes);
    });
  }

  Status end_tensor() {
    return change([&]() -> Status {
      DCF_TRY(check_usable());
      if (open_ == nullptr) return no_open_tensor();
      const std::unique_ptr<OpenTensor> open = std::move(open_);
      if (open->store->size() != open->size.bytes()) {
        return fail(Code::InvalidArgument, "", "the pieces have fewer bytes than the tensor");
      }
      DCF_TRY(open->store->finish(open->size.bytes()));
      TensorInput input{open->spec, PiecesData{open->store.get(), open->hasher.digest()}};
      uint64_t memory = available() - open->reserved;
      std::vector<uint8_t> dense;
      if (is_read_whole(*open)) {
        // Clustering sorts all values at once: the limit was checked at the start.
        dense.resize(static_cast<size_t>(open->size.bytes()));
        DCF_TRY(open->store->read(0, dense));
        input.data = DenseData{dense};
        memory -= std::min<uint64_t>(memory, dense.size());
      }
      DCF_ASSIGN(const CheckedInput checked, CheckedInput::check(input, open->options));
      return add_checked(checked, memory);
    });
  }

  Status copy(const CopySource& source) {
    return change([&]() -> Status {
      const TensorSpec& spec = source.spec;
      DCF_TRY(check_spec(spec, {}).status());
      DCF_TRY(check_idle());
      DCF_TRY(check_new(spec.name));
      AddedTensor added = describe(spec);
      const auto key = std::make_pair(source.file, source.data);
      const auto known = by_copy_.find(key);
      if (known != by_copy_.end()) {
        added.stored = known->second;
        StoredTensor& target = stored(added);
        if (spec.name < target.owner) target.owner = spec.name;
      } else {
        DCF_ASSIGN(StoredTensor copied, store_copy(source));
        added.stored = keep(std::move(copied));
        by_copy_.emplace(key, added.stored);
      }
      return insert(spec.name, std::move(added));
    });
  }

  Status add_range(const TensorSpec& spec, const EncodeOptions& options, const TensorStats& stats,
                   uint64_t first, Bytes data) {
    return change([&]() -> Status {
      DCF_TRY(check_idle());
      DCF_TRY(check_new(spec.name));
      if (!options_.part) return fail(Code::BadState, "", "the writer does not write a part");
      DCF_TRY(progress_.begin(data.size()));
      const Work work{options_.parallel, progress_, available()};
      StoredTensor range;
      range.owner = spec.name;
      range.dims.assign(spec.dims.begin(), spec.dims.end());
      StoredEncoding& encoding = range.encodings.emplace_back();
      encoding.offset = spool_.size();
      DCF_ASSIGN(const RangePlan plan, plan_ranges(spec, options, stats, work));
      DCF_ASSIGN(encoding.encoded, encode_range(spec, options, stats, plan, {first, data}, work,
                                                [&](Bytes bytes) { return spool_.append(bytes); }));
      range.first_chunk = first / plan.chunk_elements;
      range.total_chunks = plan.chunks;
      DCF_TRY(hold(resident_bytes(range)));
      AddedTensor added = describe(spec);
      added.stored = keep(std::move(range));
      DCF_TRY(insert(spec.name, std::move(added)));
      return progress_.update(progress_.total());
    });
  }

  Status add_part(const PartSource& part) {
    return change([&]() -> Status {
      DCF_TRY(check_usable());
      if (open_ != nullptr) return fail(Code::BadState, "", "a tensor is open");
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
    });
  }

  Status add_alias(const TensorSpec& spec, std::string_view target) {
    return change([&]() -> Status {
      DCF_ASSIGN(const TensorSize size, check_spec(spec, {}));
      DCF_TRY(check_idle());
      DCF_TRY(check_new(spec.name));
      const auto found = contents_.tensors.find(target);
      if (found == contents_.tensors.end()) {
        return fail(Code::NotFound, "", "there is no tensor of this name to be an alias of");
      }
      AddedTensor added = describe(spec);
      added.stored = found->second.stored;
      StoredTensor& data = stored(added);
      const Tensor& coded = data.encodings[0].encoded.tensor;
      if (options_.part || coded.dtype != spec.dtype || coded.bits != size.bits ||
          coded.elements != size.elements || (spec.name < data.owner && data.dims != added.dims)) {
        return fail(Code::InvalidArgument, "", "the tensor cannot be an alias of the other one");
      }
      if (spec.name < data.owner) data.owner = spec.name;
      return insert(spec.name, std::move(added));
    });
  }

  Status add_metadata(std::string_view key, std::string_view value) {
    return change([&]() -> Status {
      if (key.size() > UINT32_MAX || value.size() > UINT32_MAX || !is_utf8(bytes_of(key)) ||
          !is_utf8(bytes_of(value))) {
        return fail(Code::InvalidArgument, "", "metadata must be UTF-8 of less than 4 GiB");
      }
      DCF_TRY(check_usable());
      if (contents_.metadata.count(key) != 0) {
        return fail(Code::DuplicateName, "", "metadata of this key was already added");
      }
      if (contents_.metadata.size() >= Limits{}.max_tensors) {
        return fail(Code::LimitCount, "L-03",
                    "there are more metadata pairs than a reader accepts");
      }
      DCF_TRY(hold(kNodeBytes + key.size() + value.size()));
      contents_.metadata.emplace(key, value);
      return ok_status();
    });
  }

  Status add_section(uint32_t kind, Bytes bytes) {
    return change([&]() -> Status {
      if (kind > kMaxSectionKind) {
        return fail(Code::UnsupportedSection, "A-01", "no reader knows a critical section yet");
      }
      if (kind >= kFirstReservedKind && kind <= kLastReservedKind) {
        return fail(Code::InvalidArgument, "", "the format reserves this kind of section");
      }
      DCF_TRY(check_usable());
      if (contents_.sections.count(kind) != 0 || (options_.part && kind == kPartKind)) {
        return fail(Code::DuplicateName, "", "a section of this kind was already added");
      }
      if (contents_.sections.size() >= Limits{}.max_tensors) {
        return fail(Code::LimitCount, "L-03", "there are more sections than a reader accepts");
      }
      DCF_TRY(hold(kNodeBytes));
      const StoredSection section{spool_.size(), bytes.size(), hash_bytes(bytes)};
      DCF_TRY(spool_.append(bytes));
      contents_.sections.emplace(kind, section);
      return ok_status();
    });
  }

  void refuse() { broken_ = true; }

  Status finish(Sink& sink) {
    was_broken_ = broken_;
    DCF_TRY(check_idle());
    finished_ = true;
    if (options_.part) {
      return write_part(std::move(contents_), spool_, options_.max_memory, progress_, sink);
    }
    return write_file(contents_, spool_, options_.max_memory, progress_, sink);
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;
  static constexpr uint64_t kSmallThings = 64 << 10;  // histograms, tables, the writer itself
  static constexpr uint64_t kNodeBytes = 160;  // a node of a map, and the overhead of its strings

  // Runs body(), which adds something. If it fails or throws, the writer is broken.
  template <typename Body>
  Status change(Body body) {
    const bool was_broken = std::exchange(broken_, true);
    was_broken_ = was_broken;
    const Status status = body();
    broken_ = was_broken || !status.ok();
    return status;
  }

  Status check_usable() const {
    if (finished_) return fail(Code::BadState, "", "the file is finished");
    if (was_broken_) return fail(Code::BadState, "", "an earlier call of this writer failed");
    return ok_status();
  }
  // Usable, and without an open tensor.
  Status check_idle() const {
    DCF_TRY(check_usable());
    if (open_ != nullptr) return fail(Code::BadState, "", "a tensor is open");
    if (cut_ != nullptr) return fail(Code::BadState, "", "ranges of a tensor are missing");
    return ok_status();
  }
  static Status bad_part() {
    return fail(Code::BadSection, "", "the index of a part does not fit its tensors");
  }
  static Status no_open_tensor() { return fail(Code::BadState, "", "no tensor is open"); }
  static Status writer_limit() {
    return fail(Code::LimitMemory, "", "the writer needs more memory than the limit");
  }

  Status check_new(std::string_view name) const {
    if (contents_.tensors.find(name) != contents_.tensors.end()) {
      return fail(Code::DuplicateName, "", "a tensor of this name was already added");
    }
    if (contents_.tensors.size() >= Limits{}.max_tensors) {
      return fail(Code::LimitCount, "L-03", "there are more tensors than a reader accepts");
    }
    return ok_status();
  }

  // Memory that is left beside the spool and the tensors, metadata and sections added so far.
  uint64_t available() const {
    const uint64_t held = spool_memory_ + resident_ + kSmallThings;
    return options_.max_memory - std::min(options_.max_memory, held);
  }
  Status hold(uint64_t bytes) {
    if (bytes > available()) return writer_limit();
    resident_ += bytes;
    return ok_status();
  }

  // Whether the tensor is to be clustered or rounded, and the bytes that this takes.
  static bool is_read_whole(const OpenTensor& open) {
    return may_be_rounded(open.spec, open.options, open.size.elements) ||
           (open.options.bits > 0 && may_be_lossy(open.spec, open.size.elements));
  }
  static uint64_t whole_bytes(const OpenTensor& open) {
    return open.size.bytes() + (open.options.bits == 0
                                    ? rounded_bytes(open.size.elements, open.size.bits)
                                    : clustering_bytes(open.options, open.size));
  }

  StoredTensor& stored(const AddedTensor& added) { return contents_.stored[added.stored]; }
  size_t keep(StoredTensor tensor) {
    contents_.stored.push_back(std::move(tensor));
    return contents_.stored.size() - 1;
  }
  static AddedTensor describe(const TensorSpec& spec) {
    AddedTensor added;
    added.dims.assign(spec.dims.begin(), spec.dims.end());
    added.opaque_name = spec.opaque_name;
    return added;
  }
  Status insert(std::string_view name, AddedTensor added) {
    DCF_TRY(hold(kNodeBytes + sizeof(AddedTensor) + name.size() + 8 * added.dims.size()));
    contents_.tensors.emplace(name, std::move(added));
    return ok_status();
  }

  // `memory`: bytes that may be allocated while the tensor is encoded.
  Status add_checked(const CheckedInput& input, uint64_t memory) {
    const TensorSpec& spec = input.spec();
    DCF_TRY(check_new(spec.name));
    DCF_TRY(progress_.begin(input.size().bytes()));
    if (input.options().bits > 0 && input.may_be_lossy()) {
      const uint64_t bytes = clustering_bytes(input.options(), input.size());
      if (bytes > memory) return too_large_to_cluster();
    }
    Work work{options_.parallel, progress_, memory};
    AddedTensor added = describe(spec);
    DCF_ASSIGN(std::vector<Lowered> sources, lower(input, work));
    if (sources.back().content.rounded) {
      work.memory -= rounded_bytes(input.size().elements, input.size().bits);
    }
    const uint64_t key = content_key(input);
    DCF_ASSIGN(added.stored, find_equal(key, sources, input, work));
    if (added.stored == kNone ||
        (spec.name < stored(added).owner && stored(added).dims != added.dims)) {
      // It gets an encoding of its own: its data are new, or it has now the lowest name of those
      // that share them, so that its shape decides.
      DCF_ASSIGN(StoredTensor encoded, store(sources, input, work));
      DCF_TRY(hold(resident_bytes(encoded)));
      if (added.stored == kNone) {
        added.stored = keep({});
        by_key_.emplace(key, added.stored);
      }
      stored(added) = std::move(encoded);
    } else if (spec.name < stored(added).owner) {
      stored(added).owner = spec.name;
    }
    DCF_TRY(insert(spec.name, std::move(added)));
    return progress_.update(progress_.total());
  }

  // The stored tensor that decodes to the same elements, or kNone. A hash is no proof, because
  // tensors can be made to collide. Equal encodings are a proof.
  Result<size_t> find_equal(uint64_t key, std::vector<Lowered>& sources, const CheckedInput& input,
                            const Work& work) {
    if (input.size().elements == 0) return size_t{kNone};
    const auto [first, last] = by_key_.equal_range(key);
    for (auto it = first; it != last; ++it) {
      const StoredTensor& other = contents_.stored[it->second];
      const StoredEncoding& encoding = other.encodings[0];
      DCF_ASSIGN(const Choice choice, choose_encoding(sources, input, other.dims, work));
      SpoolComparison comparison(spool_, encoding);
      DCF_ASSIGN(const EncodedTensor encoded,
                 encode_tensor(choice.candidates[0], input, other.dims, work,
                               [&](Bytes bytes) { return comparison.consume(bytes); }));
      if (comparison.same() && same_encoding(encoded, encoding.encoded)) return size_t{it->second};
    }
    return size_t{kNone};
  }

  Result<StoredTensor> store(std::vector<Lowered>& sources, const CheckedInput& input,
                             const Work& work) {
    StoredTensor result;
    result.owner = input.spec().name;
    result.dims.assign(input.spec().dims.begin(), input.spec().dims.end());
    DCF_ASSIGN(const Choice choice, choose_encoding(sources, input, result.dims, work));
    result.by_positions = choice.by_positions;
    const uint64_t share = progress_.total() / choice.candidates.size();
    for (const Candidate& candidate : choice.candidates) {
      const uint64_t done = share * result.encodings.size();
      StoredEncoding& encoding = result.encodings.emplace_back();
      encoding.offset = spool_.size();
      DCF_ASSIGN(encoding.encoded,
                 encode_tensor(
                     candidate, input, result.dims, work,
                     [&](Bytes bytes) { return spool_.append(bytes); }, done, done + share));
    }
    return result;
  }

  Result<StoredTensor> store_copy(const CopySource& source) {
    StoredTensor result;
    result.owner = source.spec.name;
    result.dims.assign(source.spec.dims.begin(), source.spec.dims.end());
    uint64_t payload = 0;
    for (const Chunk& chunk : source.encoded.chunks) payload += chunk.bytes;
    DCF_TRY(progress_.begin(payload));
    uint64_t done = 0;
    DCF_ASSIGN(StoredEncoding encoding, copy_encoding(source, &done));
    result.encodings.push_back(std::move(encoding));
    DCF_TRY(hold(resident_bytes(result)));
    return result;
  }

  // `done` counts the bytes of the call.
  Result<StoredEncoding> copy_encoding(const CopySource& source, uint64_t* done) {
    StoredEncoding encoding;
    encoding.encoded = source.encoded;
    encoding.offset = spool_.size();
    for (uint64_t k = 0; k < source.encoded.chunks.size(); ++k) {
      if (source.encoded.chunks[static_cast<size_t>(k)].bytes > available()) return writer_limit();
      DCF_ASSIGN(const Bytes bytes, source.read(k));
      DCF_TRY(spool_.append(bytes));
      encoding.encoded.payload += bytes.size();
      DCF_TRY(progress_.update(*done += bytes.size()));
    }
    return encoding;
  }

  // Adds the tensor of an entry, whose encodings start at tensor `at` of the part.
  Status add_entry(const PartSource& part, const PartEntry& entry, size_t at, uint64_t* done) {
    DCF_ASSIGN(const CopySource first, part.open(at));
    TensorSpec spec = first.spec;
    spec.name = entry.name;
    spec.dims = entry.dims;
    DCF_ASSIGN(const TensorSize size, check_spec(spec, {}));
    if (entry.is_range()) return add_range_entry(first, entry, spec, size, done);
    DCF_TRY(check_idle());
    DCF_TRY(check_new(entry.name));
    if (size.elements != first.encoded.tensor.elements) return bad_part();
    AddedTensor added = describe(spec);
    const auto key = std::make_pair(first.file, first.data);
    const auto known = by_copy_.find(key);
    if (known != by_copy_.end()) {
      added.stored = known->second;
      return insert(entry.name, std::move(added));
    }
    StoredTensor data;
    data.owner = entry.name;
    data.dims = added.dims;
    data.by_positions = entry.by_positions;
    for (size_t k = 0; k < entry.encodings; ++k) {
      DCF_ASSIGN(const CopySource source, part.open(at + k));
      const Tensor& tensor = source.encoded.tensor;
      if (tensor.dtype != spec.dtype || tensor.bits != size.bits ||
          tensor.elements != size.elements) {
        return bad_part();
      }
      DCF_ASSIGN(StoredEncoding encoding, copy_encoding(source, done));
      data.encodings.push_back(std::move(encoding));
    }
    DCF_TRY(hold(resident_bytes(data)));
    added.stored = keep(std::move(data));
    by_copy_.emplace(key, added.stored);
    return insert(entry.name, std::move(added));
  }

  Status add_range_entry(const CopySource& source, const PartEntry& entry, const TensorSpec& spec,
                         const TensorSize& size, uint64_t* done) {
    if (cut_ == nullptr) {
      DCF_TRY(check_new(entry.name));
      cut_ = std::make_unique<StoredTensor>();
      cut_->owner = entry.name;
      cut_->dims = entry.dims;
      cut_->total_chunks = entry.chunks;
    }
    if (cut_->owner != entry.name || cut_->dims != entry.dims ||
        cut_->total_chunks != entry.chunks || cut_->first_chunk != entry.first_chunk) {
      return fail(Code::BadState, "", "the ranges of a tensor do not follow each other");
    }
    DCF_ASSIGN(StoredEncoding range, copy_encoding(source, done));
    DCF_TRY(hold(range.encoded.chunks.size() * sizeof(Chunk)));
    cut_->first_chunk += range.encoded.chunks.size();
    DCF_TRY(append_range(std::move(range), cut_.get()));
    if (cut_->first_chunk < entry.chunks) return ok_status();
    const std::unique_ptr<StoredTensor> whole = std::move(cut_);
    if (whole->first_chunk != entry.chunks ||
        whole->encodings[0].encoded.tensor.elements != size.elements) {
      return bad_part();
    }
    whole->first_chunk = whole->total_chunks = 0;
    DCF_TRY(hold(resident_bytes(*whole)));
    AddedTensor added = describe(spec);
    added.stored = keep(std::move(*whole));
    return insert(entry.name, std::move(added));
  }

  const WriterOptions options_;
  Progress progress_;
  const uint64_t spool_memory_;
  FileContents contents_;
  std::unordered_multimap<uint64_t, size_t> by_key_;  // content key -> stored tensor
  std::map<std::pair<std::shared_ptr<const void>, uint64_t>, size_t> by_copy_;
  Spool spool_;
  std::unique_ptr<OpenTensor> open_;
  std::unique_ptr<StoredTensor> cut_;  // ranges of a tensor of which the last is missing
  uint64_t resident_ = 0;              // approximate bytes of memory of contents_
  bool broken_ = false;
  bool was_broken_ = false;  // before the call in progress
  bool finished_ = false;
};

FileWriter::FileWriter(const WriterOptions& options) : impl_(std::make_unique<Impl>(options)) {}
FileWriter::~FileWriter() = default;
Status FileWriter::add(const TensorInput& input, const EncodeOptions& options) {
  return impl_->add(input, options);
}
Status FileWriter::begin_tensor(const TensorSpec& spec, const EncodeOptions& options) {
  return impl_->begin_tensor(spec, options);
}
Status FileWriter::write_piece(Bytes bytes) {
  return impl_->write_piece(bytes);
}
Status FileWriter::end_tensor() {
  return impl_->end_tensor();
}
Status FileWriter::copy(const CopySource& source) {
  return impl_->copy(source);
}
Status FileWriter::add_range(const TensorSpec& spec, const EncodeOptions& options,
                             const TensorStats& stats, uint64_t first, Bytes data) {
  return impl_->add_range(spec, options, stats, first, data);
}
Status FileWriter::add_part(const PartSource& part) {
  return impl_->add_part(part);
}
Status FileWriter::add_alias(const TensorSpec& spec, std::string_view target) {
  return impl_->add_alias(spec, target);
}
Status FileWriter::add_metadata(std::string_view key, std::string_view value) {
  return impl_->add_metadata(key, value);
}
Status FileWriter::add_section(uint32_t kind, Bytes bytes) {
  return impl_->add_section(kind, bytes);
}
void FileWriter::refuse() {
  impl_->refuse();
}
Status FileWriter::finish(Sink& sink) {
  return impl_->finish(sink);
}

}  // namespace dcf::impl
