// SPDX-License-Identifier: Apache-2.0
#include "paper/sparse_writer.h"

#include <dcf/dcf_encode.h>

#include "model/dcf_error.h"

namespace dcf::tools {
namespace {

dcf_tensor_spec spec_of(const std::string& name, dcf_dtype dtype,
                        const std::vector<uint64_t>& dims) {
  dcf_tensor_spec spec{};
  spec.struct_size = sizeof spec;
  spec.name = name.data();
  spec.name_size = name.size();
  spec.dtype = dtype;
  spec.rank = static_cast<uint32_t>(dims.size());
  spec.dims = dims.data();
  return spec;
}

}  // namespace

SparseWriter::SparseWriter(const std::string& path) : path_(path) {
  dcf_writer_options options;
  dcf_writer_options_init(&options);
  options.overwrite = 1;
  dcf_writer* writer = nullptr;
  dcf_error error{};
  const dcf_status status = dcf_writer_open_path(path.c_str(), &options, &writer, &error);
  writer_.reset(writer);
  check(status, error);
}

void SparseWriter::check(dcf_status status, const dcf_error& error) const {
  if (status != DCF_OK) throw_dcf_error(path_, status, error, nullptr);
}

void SparseWriter::add(const std::string& name, const std::vector<uint64_t>& dims,
                       const SparseLayer& layer, uint32_t clusters) {
  dcf_share_options share;
  dcf_share_options_init(&share);
  share.clusters = clusters;
  std::vector<float> codebook(clusters);
  std::vector<uint8_t> codes(layer.values.size());
  uint32_t size = 0;
  dcf_error error{};
  check(dcf_share(layer.values.data(), nullptr, nullptr, codes.size(), &share, codebook.data(),
                  &size, codes.data(), &error),
        error);
  for (uint8_t& code : codes) --code;  // 0 would be a pruned weight; here all are kept
  dcf_encode_options options;
  dcf_encode_options_init(&options);
  options.positions = DCF_CHOOSE_GAP;
  const dcf_tensor_spec spec = spec_of(name, DCF_F32, dims);
  check(dcf_writer_add_codes(writer_.get(), &spec, layer.row_ptr.data(), layer.col.data(),
                             codes.data(), codebook.data(), size, &options, &error),
        error);
}

void SparseWriter::add_dense(const TensorMeta& meta, std::span<const uint8_t> bytes) {
  dcf_encode_options options;
  dcf_encode_options_init(&options);
  dcf_tensor_spec spec = spec_of(meta.name, meta.dtype, meta.dims);
  if (meta.dtype == DCF_OPAQUE) {
    spec.opaque_bits = meta.bits;
    spec.opaque_name = meta.opaque_name.c_str();
  }
  dcf_error error{};
  check(dcf_writer_add_dense(writer_.get(), &spec, bytes.data(), bytes.size(), &options, &error),
        error);
}

void SparseWriter::finish() {
  dcf_error error{};
  check(dcf_writer_finish(writer_.get(), &error), error);
}

}  // namespace dcf::tools
