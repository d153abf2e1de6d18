// SPDX-License-Identifier: Apache-2.0
#include "encode/file_writer.h"

#include <unordered_map>

#include "base/checked.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "encode/file_assembly.h"
#include "encode/tensor_encoder.h"

namespace dcf::impl {
namespace {

// A hash of all that decides the words a tensor decodes to, its shape apart where data is dense.
// Equal tensors have equal keys; what else has is found out by comparing.
uint64_t content_key(const TensorInput& input, const EncodeOptions& options, uint64_t elements) {
  const TensorSpec& spec = input.spec;
  const uint64_t facts[] = {input.data.index(),
                            static_cast<uint64_t>(spec.dtype),
                            spec.dtype == DType::kOpaque ? spec.opaque_bits : 0,
                            elements,
                            std::bit_cast<uint64_t>(options.sparsity),
                            options.bits,
                            static_cast<uint64_t>(options.init),
                            options.seed,
                            options.positions ? 1 + static_cast<uint64_t>(*options.positions) : 0,
                            options.gap_bits,
                            options.canonical_zeros,
                            may_be_lossy(spec, elements)};
  Hasher hasher;
  hasher.update(bytes_of(std::span<const uint64_t>(facts)));
  const uint64_t rows = csr_rows_of(spec);
  const size_t width = dtype_bits(spec.dtype) / 8;
  const auto add_csr = [&](const uint64_t* row_ptr, const uint32_t* col) {
    hasher.update(bytes_of(spec.dims));
    hasher.update(bytes_of(std::span(row_ptr, rows + 1)));
    hasher.update(bytes_of(std::span(col, row_ptr[rows])));
    return row_ptr[rows];
  };
  if (const auto* dense = std::get_if<DenseData>(&input.data)) {
    hasher.update(dense->bytes);
  } else if (const auto* csr = std::get_if<CsrData>(&input.data)) {
    const uint64_t entries = add_csr(csr->row_ptr, csr->col);
    hasher.update({csr->values, static_cast<size_t>(entries) * width});
  } else {
    const auto& codes = std::get<CodesData>(input.data);
    const uint64_t entries =
        codes.row_ptr != nullptr ? add_csr(codes.row_ptr, codes.col) : elements;
    hasher.update({codes.codes, static_cast<size_t>(entries)});
    hasher.update({codes.codebook, codes.codebook_size * width});
  }
  return hasher.digest();
}

// Bytes that pruning and clustering hold at once.
uint64_t working_bytes(const EncodeOptions& options, uint64_t elements, uint32_t bits) {
  if (options.bits == 0) return options.sparsity > 0 ? elements / 8 : 0;
  const double kept = (1 - options.sparsity) * static_cast<double>(elements);
  return elements + static_cast<uint64_t>(kept * 3 * bits / 8);
}

// Compares bytes that come in pieces with a stretch of the spool.
class SpoolComparison {
 public:
  SpoolComparison(const Spool& spool, const StoredEncoding& stored)
      : spool_(spool), at_(stored.offset), end_(stored.offset + stored.encoded.payload) {}
  Status consume(Bytes bytes) {
    if (!same_ || bytes.size() > end_ - at_) {
      same_ = false;
      return ok_status();
    }
    buffer_.resize(bytes.size());
    DCF_TRY(spool_.read_at(at_, buffer_));
    same_ = std::equal(bytes.begin(), bytes.end(), buffer_.begin());
    at_ += bytes.size();
    return ok_status();
  }
  bool same() const { return same_ && at_ == end_; }

 private:
  const Spool& spool_;
  uint64_t at_;
  uint64_t end_;
  std::vector<uint8_t> buffer_;
  bool same_ = true;
};

bool same_encoding(const EncodedTensor& a, const EncodedTensor& b) {
  const auto chunk_equal = [](const Chunk& x, const Chunk& y) {
    return x.bytes == y.bytes && x.entries == y.entries;
  };
  return a.tensor.dtype == b.tensor.dtype && a.tensor.bits == b.tensor.bits &&
         a.tensor.elements == b.tensor.elements && a.tensor.encoding == b.tensor.encoding &&
         a.tensor.view == b.tensor.view && a.tensor.rows_per_chunk == b.tensor.rows_per_chunk &&
         a.tensor.nonzeros == b.tensor.nonzeros && a.tensor.fidelity == b.tensor.fidelity &&
         a.tensor.error_bound == b.tensor.error_bound && a.tables == b.tables &&
         a.codebook == b.codebook &&
         std::equal(a.chunks.begin(), a.chunks.end(), b.chunks.begin(), b.chunks.end(),
                    chunk_equal);
}

}  // namespace

class FileWriter::Impl {
 public:
  explicit Impl(const WriterOptions& options)
      : options_(options), spool_(std::min(Spool::kDefaultMemory, options.max_memory / 4)) {}

  Status add(const TensorInput& input, const EncodeOptions& options) {
    DCF_TRY(check_open());
    DCF_TRY(check_input(input, options));
    const TensorSpec& spec = input.spec;
    std::string name(spec.name);
    if (contents_.tensors.count(name) != 0) {
      return fail(Code::DuplicateName, "", "a tensor of this name was already added");
    }
    if (contents_.tensors.size() >= Limits{}.max_tensors) {
      return fail(Code::LimitCount, "L-01", "there are more tensors than a reader accepts");
    }
    AddedTensor added;
    added.dims.assign(spec.dims.begin(), spec.dims.end());
    added.opaque_name = spec.opaque_name;
    const uint64_t elements = count_elements(added.dims).value();
    if (may_be_lossy(spec, elements) &&
        working_bytes(options, elements, dtype_bits(spec.dtype)) > options_.max_memory) {
      return fail(Code::LimitMemory, "", "clustering the tensor needs more memory than the limit");
    }
    const std::vector<Lowered> sources = lower(input, options);
    const uint64_t key = content_key(input, options, elements);
    DCF_ASSIGN(added.stored, find_equal(key, sources, spec, options));
    if (added.stored == kNone || (name < stored(added).owner && stored(added).dims != added.dims)) {
      // Its own encoding, because it is new or because its shape is now the first.
      DCF_ASSIGN(StoredTensor encoded, store(sources, spec, options));
      if (added.stored == kNone) {
        added.stored = contents_.stored.size();
        contents_.stored.emplace_back();
        by_key_.emplace(key, added.stored);
      }
      stored(added) = std::move(encoded);
    } else if (name < stored(added).owner) {
      stored(added).owner = name;
    }
    contents_.tensors.emplace(std::move(name), std::move(added));
    return ok_status();
  }

  Status add_metadata(std::string_view key, std::string_view value) {
    DCF_TRY(check_open());
    if (key.size() > UINT32_MAX || value.size() > UINT32_MAX || !is_utf8(bytes_of(key)) ||
        !is_utf8(bytes_of(value))) {
      return fail(Code::InvalidArgument, "", "metadata must be UTF-8 of less than 4 GiB");
    }
    if (!contents_.metadata.emplace(key, value).second) {
      return fail(Code::DuplicateName, "", "metadata of this key was already added");
    }
    return ok_status();
  }

  Status finish(Sink& sink) {
    DCF_TRY(check_open());
    finished_ = true;
    return write_file(contents_, spool_, sink);
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  StoredTensor& stored(const AddedTensor& added) { return contents_.stored[added.stored]; }

  Status check_open() const {
    if (!finished_) return ok_status();
    return fail(Code::BadState, "", "the file is finished");
  }

  // Which stored tensor decodes to the same elements, or kNone. A hash does not prove it: whoever
  // made the tensors may have made them collide. The same encoding of both does.
  Result<size_t> find_equal(uint64_t key, const std::vector<Lowered>& sources,
                            const TensorSpec& spec, const EncodeOptions& options) {
    if (sources[0].content.elements == 0) return size_t{kNone};
    const auto [first, last] = by_key_.equal_range(key);
    for (auto it = first; it != last; ++it) {
      const StoredTensor& other = contents_.stored[it->second];
      TensorSpec same_shape = spec;
      same_shape.dims = other.dims;
      const StoredEncoding& encoding = other.encodings[0];
      const Choice choice = choose_encoding(sources, same_shape, options, options_.parallel);
      SpoolComparison comparison(spool_, encoding);
      DCF_ASSIGN(const EncodedTensor encoded,
                 encode_tensor(choice.candidates[0], same_shape, options_.parallel,
                               [&](Bytes bytes) { return comparison.consume(bytes); }));
      if (comparison.same() && same_encoding(encoded, encoding.encoded)) return size_t{it->second};
    }
    return size_t{kNone};
  }

  Result<StoredTensor> store(const std::vector<Lowered>& sources, const TensorSpec& spec,
                             const EncodeOptions& options) {
    StoredTensor result;
    result.owner = spec.name;
    result.dims.assign(spec.dims.begin(), spec.dims.end());
    const Choice choice = choose_encoding(sources, spec, options, options_.parallel);
    result.by_positions = choice.by_positions;
    for (const Candidate& candidate : choice.candidates) {
      StoredEncoding& encoding = result.encodings.emplace_back();
      encoding.offset = spool_.size();
      DCF_ASSIGN(encoding.encoded,
                 encode_tensor(candidate, spec, options_.parallel,
                               [&](Bytes bytes) { return spool_.append(bytes); }));
    }
    return result;
  }

  const WriterOptions options_;
  FileContents contents_;
  std::unordered_multimap<uint64_t, size_t> by_key_;  // content key -> stored tensor
  Spool spool_;
  bool finished_ = false;
};

FileWriter::FileWriter(const WriterOptions& options) : impl_(std::make_unique<Impl>(options)) {}
FileWriter::~FileWriter() = default;
Status FileWriter::add(const TensorInput& input, const EncodeOptions& options) {
  return impl_->add(input, options);
}
Status FileWriter::add_metadata(std::string_view key, std::string_view value) {
  return impl_->add_metadata(key, value);
}
Status FileWriter::finish(Sink& sink) {
  return impl_->finish(sink);
}

}  // namespace dcf::impl
