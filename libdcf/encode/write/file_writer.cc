// SPDX-License-Identifier: Apache-2.0
#include "encode/write/file_writer.h"

#include "base/hash.h"
#include "base/utf8.h"
#include "encode/write/part_file.h"
#include "encode/write/range_encoder.h"

namespace dcf::impl::encode {
namespace {

constexpr uint64_t kMaxStoreMemory = uint64_t{16} << 20;

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
  bool is_lossy = false;  // may be clustered or rounded
};

}  // namespace

class FileWriter::Impl {
 public:
  explicit Impl(const WriterOptions& options)
      : options_(options),
        progress_(options.progress),
        state_(options.max_memory),
        adder_(state_),
        copier_(state_, progress_) {}

  Status add(const TensorInput& input, const EncodeOptions& options) {
    return change([&]() -> Status {
      DCF_ASSIGN(const CheckedInput checked, CheckedInput::check(input, options));
      DCF_TRY(check_idle());
      return add_checked(checked, state_.available());
    });
  }

  Status begin_tensor(const TensorSpec& spec, const EncodeOptions& options) {
    return change([&]() -> Status {
      DCF_ASSIGN(const TensorSize size, check_spec(spec, options));
      DCF_TRY(check_idle());
      DCF_TRY(state_.check_new(spec.name));
      auto open = std::make_unique<OpenTensor>();
      open->name = spec.name;
      open->opaque_name = spec.opaque_name;
      open->dims.assign(spec.dims.begin(), spec.dims.end());
      open->spec = {open->name, spec.dtype, spec.opaque_bits, open->opaque_name, open->dims};
      open->options = options;
      open->size = size;
      const uint64_t memory = std::min(kMaxStoreMemory, state_.available() / 8);
      open->reserved = memory + PieceStore::overhead(size.bytes());
      if (open->reserved > state_.available()) return WriterState::too_large();
      const uint64_t left = state_.available() - open->reserved;
      const uint64_t lossy = lossy_bytes(spec, options, size);
      // Such a tensor is read into memory.
      open->is_lossy = lossy > 0;
      if (open->is_lossy && (lossy > left || size.bytes() > left - lossy)) {
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
      uint64_t memory = state_.available() - open->reserved;
      std::vector<uint8_t> dense;
      if (open->is_lossy) {
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

  Status add_all(size_t count, const FindSource& find) {
    return change([&]() -> Status {
      DCF_TRY(check_idle());
      return add_tensors(count, find, options_.parallel, progress_, &adder_);
    });
  }

  Status copy(const CopySource& source) {
    return change([&]() -> Status {
      DCF_TRY(check_spec(source.spec, {}).status());
      DCF_TRY(check_idle());
      return copier_.copy(source);
    });
  }

  Status add_range(const TensorSpec& spec, const EncodeOptions& options, const TensorStats& stats,
                   uint64_t first, Bytes data) {
    return change([&]() -> Status {
      DCF_TRY(check_idle());
      DCF_TRY(state_.check_new(spec.name));
      if (!options_.part) return fail(Code::BadState, "", "the writer does not write a part");
      DCF_TRY(progress_.begin(data.size()));
      const Work work{options_.parallel, progress_, state_.available()};
      StoredTensor range;
      range.owner = spec.name;
      range.dims.assign(spec.dims.begin(), spec.dims.end());
      StoredEncoding& encoding = range.encodings.emplace_back();
      encoding.offset = state_.spool().size();
      DCF_ASSIGN(const RangePlan plan, plan_ranges(spec, options, stats, work));
      DCF_ASSIGN(encoding.encoded,
                 encode_range(spec, options, stats, plan, {first, data}, work,
                              [&](Bytes bytes) { return state_.spool().append(bytes); }));
      range.first_chunk = first / plan.chunk_elements;
      range.total_chunks = plan.chunks;
      DCF_TRY(state_.hold(range));
      AddedTensor added = WriterState::describe(spec);
      added.stored = state_.keep(std::move(range));
      DCF_TRY(state_.insert(spec.name, std::move(added)));
      return progress_.update(progress_.total());
    });
  }

  Status add_part(const PartSource& part) {
    return change([&]() -> Status {
      DCF_TRY(check_usable());
      if (open_ != nullptr) return fail(Code::BadState, "", "a tensor is open");
      return copier_.add_part(part);
    });
  }

  Status add_alias(const TensorSpec& spec, std::string_view target) {
    return change([&]() -> Status {
      DCF_ASSIGN(const TensorSize size, check_spec(spec, {}));
      DCF_TRY(check_idle());
      DCF_TRY(state_.check_new(spec.name));
      const auto found = state_.contents().tensors.find(target);
      if (found == state_.contents().tensors.end()) {
        return fail(Code::NotFound, "", "there is no tensor of this name to be an alias of");
      }
      AddedTensor added = WriterState::describe(spec);
      added.stored = found->second.stored;
      StoredTensor& data = state_.stored(added);
      const format::Tensor& coded = data.encodings[0].encoded.tensor;
      if (options_.part || coded.dtype != spec.dtype || coded.bits != size.bits ||
          coded.elements != size.elements || (spec.name < data.owner && data.dims != added.dims)) {
        return fail(Code::InvalidArgument, "", "the tensor cannot be an alias of the other one");
      }
      if (spec.name < data.owner) data.owner = spec.name;
      return state_.insert(spec.name, std::move(added));
    });
  }

  Status add_metadata(std::string_view key, std::string_view value) {
    return change([&]() -> Status {
      if (key.size() > UINT32_MAX || value.size() > UINT32_MAX || !is_utf8(bytes_of(key)) ||
          !is_utf8(bytes_of(value))) {
        return fail(Code::InvalidArgument, "", "metadata must be UTF-8 of less than 4 GiB");
      }
      DCF_TRY(check_usable());
      if (state_.contents().metadata.count(key) != 0) {
        return fail(Code::DuplicateName, "", "metadata of this key was already added");
      }
      if (state_.contents().metadata.size() >= Limits{}.max_tensors) {
        return fail(Code::LimitCount, "L-03",
                    "there are more metadata pairs than a reader accepts");
      }
      DCF_TRY(state_.hold(WriterState::kNodeBytes + key.size() + value.size()));
      state_.contents().metadata.emplace(key, value);
      return ok_status();
    });
  }

  Status add_section(uint32_t kind, Bytes bytes) {
    return change([&]() -> Status {
      if (kind > format::kMaxSectionKind) {
        return fail(Code::UnsupportedSection, "A-01", "no reader knows a critical section yet");
      }
      if (kind >= format::kFirstReservedKind && kind <= format::kLastReservedKind) {
        return fail(Code::InvalidArgument, "", "the format reserves this kind of section");
      }
      DCF_TRY(check_usable());
      if (state_.contents().sections.count(kind) != 0 || (options_.part && kind == kPartKind)) {
        return fail(Code::DuplicateName, "", "a section of this kind was already added");
      }
      if (state_.contents().sections.size() >= Limits{}.max_tensors) {
        return fail(Code::LimitCount, "L-03", "there are more sections than a reader accepts");
      }
      DCF_TRY(state_.hold(WriterState::kNodeBytes));
      const StoredSection section{state_.spool().size(), bytes.size(), hash_bytes(bytes)};
      DCF_TRY(state_.spool().append(bytes));
      state_.contents().sections.emplace(kind, section);
      return ok_status();
    });
  }

  void refuse() { broken_ = true; }

  Status finish(io::Sink& sink) {
    was_broken_ = broken_;
    DCF_TRY(check_idle());
    finished_ = true;
    if (options_.part) {
      return write_part(std::move(state_.contents()), state_.spool(), options_.max_memory,
                        progress_, sink);
    }
    return write_file(state_.contents(), state_.spool(), options_.max_memory, progress_, sink);
  }

 private:
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
    return copier_.check_whole();
  }
  static Status no_open_tensor() { return fail(Code::BadState, "", "no tensor is open"); }

  Status add_checked(const CheckedInput& input, uint64_t memory) {
    return adder_.add(input, {options_.parallel, progress_, memory});
  }

  const WriterOptions options_;
  Progress progress_;
  WriterState state_;
  TensorAdder adder_;
  TensorCopier copier_;
  std::unique_ptr<OpenTensor> open_;
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
Status FileWriter::add_all(size_t count, const FindSource& find) {
  return impl_->add_all(count, find);
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
Status FileWriter::finish(io::Sink& sink) {
  return impl_->finish(sink);
}

}  // namespace dcf::impl::encode
