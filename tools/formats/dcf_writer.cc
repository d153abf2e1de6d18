// SPDX-License-Identifier: Apache-2.0
#include "formats/dcf_writer.h"

#include <exception>
#include <utility>
#include <vector>

#include "formats/dcf_error.h"

namespace dcf::tools {
namespace {

// What the library calls for one tensor of DcfWriter::add_all().
struct ReadCall {
  const DcfWriter::Read& read;
  size_t index;
  std::exception_ptr thrown;

  static int run(void* self, void* dst, size_t size) {
    auto* const call = static_cast<ReadCall*>(self);
    try {
      call->read(call->index, {static_cast<uint8_t*>(dst), size});
      return 0;
    } catch (...) {
      call->thrown = std::current_exception();
      return 1;
    }
  }
};

}  // namespace

DcfWriter::DcfWriter(std::string name, const dcf_writer_options& options,
                     dcf::Result<dcf::Writer> writer)
    : name_(std::move(name)), limit_(options.max_memory) {
  if (!writer) check(writer.error());
  writer_.emplace(std::move(*writer));
}

DcfWriter::DcfWriter(std::string path, const dcf_writer_options& options)
    : DcfWriter(path, options, dcf::Writer::open(path, options)) {}

DcfWriter::DcfWriter(std::string name, const dcf_sink& sink, const dcf_writer_options& options)
    : DcfWriter(std::move(name), options, dcf::Writer::open(sink, options)) {}

void DcfWriter::add(const TensorMeta& meta, std::span<const uint8_t> data,
                    const dcf_encode_options& options) {
  check(writer_->add_bytes(spec_of(meta), data, options), meta.name);
}

void DcfWriter::add_all(std::span<const Tensor> tensors, const Read& read) {
  std::vector<dcf_tensor_spec> specs;
  std::vector<ReadCall> calls;
  std::vector<dcf_dense_tensor> all;
  specs.reserve(tensors.size());  // the addresses of their elements stay
  calls.reserve(tensors.size());
  for (const Tensor& tensor : tensors) {
    specs.push_back(spec_of(*tensor.meta));
    calls.push_back({read, calls.size(), nullptr});
    dcf_dense_tensor one = DCF_DENSE_TENSOR_INIT;
    one.spec = &specs.back();
    one.options = &tensor.options;
    one.read = ReadCall::run;
    one.ctx = &calls.back();
    all.push_back(one);
  }
  const dcf::Status status = writer_->add_tensors(all);
  if (status) return;
  const uint64_t index = status.error().tensor;
  if (index >= tensors.size()) return check(status);
  if (calls[index].thrown) std::rethrow_exception(calls[index].thrown);
  check(status, tensors[index].meta->name);
}

void DcfWriter::add_pieces(const TensorMeta& meta, const dcf_encode_options& options,
                           const std::function<void(const Consume&)>& produce) {
  check(writer_->begin_tensor(spec_of(meta), options), meta.name);
  produce([&](std::span<const uint8_t> piece) { check(writer_->write_piece(piece), meta.name); });
  check(writer_->end_tensor(), meta.name);
}

void DcfWriter::add_codes(const TensorMeta& meta, const SparseCodes& codes,
                          const dcf_encode_options& options) {
  const dcf_tensor_spec spec = spec_of(meta);
  dcf_error error = DCF_ERROR_INIT;
  const dcf_status status =
      dcf_writer_add_codes(writer_->get(), &spec, codes.row_ptr.data(), codes.row_ptr.size(),
                           codes.col.data(), codes.codes.data(), codes.codes.size(), codes.codebook,
                           codes.codebook_size, &options, &error);
  if (status != DCF_OK) check(error, meta.name);
}

void DcfWriter::copy(const DcfFile& file, size_t tensor) {
  dcf_error error = DCF_ERROR_INIT;
  const dcf_status status =
      dcf_writer_copy_tensor(writer_->get(), file.handle(), tensor, nullptr, 0, &error);
  if (status != DCF_OK) check(error, file.meta(tensor).name);
}

void DcfWriter::add_part(const DcfFile& part) {
  check(writer_->add_part(part.opened()));
}

void DcfWriter::add_alias(const TensorMeta& meta, const std::string& target) {
  check(writer_->add_alias(spec_of(meta), target), meta.name);
}

void DcfWriter::add_range(const TensorMeta& meta, const RangeStats& stats, uint64_t first,
                          std::span<const uint8_t> data, const dcf_encode_options& options) {
  check(writer_->add_range(spec_of(meta), stats.stats(), first, data, options), meta.name);
}

void DcfWriter::add_metadata(const std::string& key, const std::string& value) {
  check(writer_->add_metadata(key, value));
}

void DcfWriter::add_section(uint32_t kind, std::span<const uint8_t> bytes) {
  check(writer_->add_section(kind, bytes));
}

void DcfWriter::finish() {
  check(writer_->finish());
}

void DcfWriter::check(const dcf::Status& status, const std::optional<std::string>& tensor) const {
  if (status) return;
  DcfFailure failure = make_failure(name_, status.status(), status.error(), limit_);
  failure.tensor = tensor;
  throw DcfError(std::move(failure));
}

dcf_encode_options encode_options(dcf_positions positions) {
  dcf_encode_options options = dcf::encode_options();
  options.positions = positions;
  return options;
}

TensorMeta float_meta(std::string name, std::vector<uint64_t> dims) {
  return {std::move(name), DCF_DTYPE_F32, dcf_dtype_bits(DCF_DTYPE_F32), "", std::move(dims)};
}

std::span<const uint8_t> bytes_of(std::span<const float> values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()};
}

}  // namespace dcf::tools
