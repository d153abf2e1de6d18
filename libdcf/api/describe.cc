// SPDX-License-Identifier: Apache-2.0
// dcf.h: what is in a file.
#include <algorithm>
#include <string_view>

#include "api/file.h"
#include "model/verify.h"

using dcf::impl::Code;
using dcf::impl::fail;
using dcf::impl::invalid;
using dcf::impl::ok_status;
using dcf::impl::Status;
using dcf::impl::api::check_tensor;
using dcf::impl::api::clear_out;
using dcf::impl::api::copy_out;
using dcf::impl::api::guarded;
using dcf::impl::api::set_out;
using dcf::impl::format::ManifestParts;
using dcf::impl::format::Tensor;

dcf_status dcf_file_describe(const dcf_file* file, dcf_file_info* out, dcf_error* error) {
  clear_out(out);
  return guarded(error, [&]() -> Status {
    if (file == nullptr) return invalid("the file is NULL");
    const dcf::impl::format::Header& header = file->model->header();
    const ManifestParts& manifest = *file->model->manifest();
    dcf_file_info info{};
    info.format_major = header.major;
    info.format_minor = header.minor;
    info.file_bytes = header.file_size;
    info.manifest_bytes = header.manifest_size;
    info.overhead_bytes = dcf::impl::format::kHeaderBytes + header.manifest_size;
    for (const auto& section : manifest.sections) info.overhead_bytes += section.bytes;
    for (const Tensor& t : manifest.tensors) info.dense_bytes += t.dense_bytes();
    info.tensors = manifest.tensors.size();
    info.metadata = manifest.metadata.size();
    info.memory_bytes = file->model->resident_memory();
    info.name_bytes = manifest.name_bytes;
    info.features = header.features;
    return copy_out(info, out);
  });
}

size_t dcf_tensor_count(const dcf_file* file) {
  return file == nullptr ? 0 : file->model->manifest()->tensors.size();
}

dcf_status dcf_tensor_find(const dcf_file* file, const char* name, size_t name_size, size_t* index,
                           dcf_error* error) {
  set_out<size_t>(index, DCF_NO_INDEX);
  return guarded(error, [&]() -> Status {
    if (file == nullptr || (name == nullptr && name_size != 0) || index == nullptr)
      return invalid("an argument is NULL");
    const std::string_view wanted(name == nullptr ? "" : name, name_size);
    const auto& tensors = file->model->manifest()->tensors;
    const auto at =
        std::lower_bound(tensors.begin(), tensors.end(), wanted,
                         [](const Tensor& t, std::string_view key) { return t.name < key; });
    if (at == tensors.end() || at->name != wanted)
      return fail(Code::NotFound, "", "no tensor has this name");
    *index = static_cast<size_t>(at - tensors.begin());
    return ok_status();
  });
}

dcf_status dcf_tensor_describe(const dcf_file* file, size_t index, dcf_tensor_info* out,
                               dcf_error* error) {
  clear_out(out);
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_tensor(file, index));
    const ManifestParts& manifest = *file->model->manifest();
    const Tensor& t = manifest.tensors[index];
    const Tensor& data = manifest.tensors[file->model->data_tensor(index)];
    dcf_tensor_info info{};
    info.name = t.name.data();
    info.name_size = t.name.size();
    info.dtype = static_cast<dcf_dtype>(t.dtype);
    info.dtype_bits = t.bits;
    info.rank = static_cast<uint32_t>(t.dims.size());
    std::copy(t.dims.begin(), t.dims.end(), info.dims);
    info.elements = t.elements;
    info.rows = t.rows();
    info.cols = t.cols();
    info.dense_bytes = t.dense_bytes();
    info.positions = data.encoding.has_classes()
                         ? DCF_POSITIONS_CLASSES
                         : static_cast<dcf_positions>(data.encoding.positions);
    info.values = static_cast<dcf_values>(data.encoding.values);
    info.gap_bits = data.encoding.gap_bits;
    info.codebook_size = data.encoding.palette_size;
    info.nonzeros = data.nonzeros;
    info.entries = data.entries;
    info.chunks = t.chunks;
    info.encoded_bytes = t.encoded_bytes;
    info.alias_of = t.alias_of;
    info.fidelity = static_cast<dcf_fidelity>(data.fidelity);
    info.error_bound = data.error_bound;
    return copy_out(info, out);
  });
}

dcf_status dcf_tensor_measure(const dcf_file* file, size_t index, dcf_tensor_bytes* out,
                              dcf_error* error) {
  clear_out(out);
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_tensor(file, index));
    DCF_ASSIGN(const dcf::impl::model::TensorBytes bytes,
               dcf::impl::model::measure_tensor(*file->model, index, file->progress));
    dcf_tensor_bytes info{};
    info.positions = bytes.positions;
    info.values = bytes.values;
    info.codebook = bytes.codebook;
    info.tables = bytes.tables;
    info.other = bytes.padding;
    info.total = info.positions + info.values + info.codebook + info.tables + info.other;
    return copy_out(info, out);
  });
}

dcf_status dcf_metadata_at(const dcf_file* file, size_t index, const char** key, size_t* key_size,
                           const char** value, size_t* value_size, dcf_error* error) {
  set_out<const char*>(key, nullptr);
  set_out<size_t>(key_size, 0);
  set_out<const char*>(value, nullptr);
  set_out<size_t>(value_size, 0);
  return guarded(error, [&]() -> Status {
    if (file == nullptr) return invalid("the file is NULL");
    const auto& metadata = file->model->manifest()->metadata;
    if (index >= metadata.size()) return invalid("the metadata index is out of range");
    set_out(key, metadata[index].first.data());
    set_out(key_size, metadata[index].first.size());
    set_out(value, metadata[index].second.data());
    set_out(value_size, metadata[index].second.size());
    return ok_status();
  });
}

size_t dcf_metadata_count(const dcf_file* file) {
  return file == nullptr ? 0 : file->model->manifest()->metadata.size();
}

dcf_status dcf_metadata_find(const dcf_file* file, const char* key, size_t key_size,
                             const char** value, size_t* value_size, dcf_error* error) {
  set_out<const char*>(value, nullptr);
  set_out<size_t>(value_size, 0);
  return guarded(error, [&]() -> Status {
    if (file == nullptr || (key == nullptr && key_size != 0)) return invalid("an argument is NULL");
    const std::string_view wanted(key == nullptr ? "" : key, key_size);
    const auto& metadata = file->model->manifest()->metadata;
    const auto at = std::lower_bound(
        metadata.begin(), metadata.end(), wanted,
        [](const auto& pair, std::string_view sought) { return pair.first < sought; });
    if (at == metadata.end() || at->first != wanted)
      return fail(Code::NotFound, "", "no metadata has this key");
    set_out(value, at->second.data());
    set_out(value_size, at->second.size());
    return ok_status();
  });
}

const char* dcf_tensor_opaque_name(const dcf_file* file, size_t index) {
  return check_tensor(file, index).ok() ? file->model->manifest()->tensors[index].opaque_name.data()
                                        : "";
}
