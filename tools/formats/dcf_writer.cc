// SPDX-License-Identifier: Apache-2.0
#include "formats/dcf_writer.h"

#include <utility>

#include "formats/dcf_error.h"

namespace dcf::tools {
DcfWriter::DcfWriter(std::string name, dcf::Result<dcf::Writer> writer) : name_(std::move(name)) {
  if (!writer) check(writer.error());
  writer_.emplace(std::move(*writer));
}

DcfWriter::DcfWriter(std::string path, const dcf_writer_options& options)
    : DcfWriter(path, dcf::Writer::open(path, options)) {}

DcfWriter::DcfWriter(std::string name, const dcf_sink& sink, const dcf_writer_options& options)
    : DcfWriter(std::move(name), dcf::Writer::open(sink, options)) {}

void DcfWriter::add(const TensorMeta& meta, std::span<const uint8_t> data,
                    const dcf_encode_options& options) {
  check(writer_->add_bytes(spec_of(meta), data, options), meta.name);
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
  DcfFailure failure = make_failure(name_, status.status(), status.error());
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
