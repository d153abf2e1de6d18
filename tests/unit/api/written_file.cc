// SPDX-License-Identifier: Apache-2.0
#include "written_file.h"

#include <gtest/gtest.h>

namespace dcf::api_test {
namespace {

int append(void* ctx, const void* data, size_t size) {
  auto* const bytes = static_cast<std::vector<uint8_t>*>(ctx);
  const auto* const first = static_cast<const uint8_t*>(data);
  bytes->insert(bytes->end(), first, first + size);
  return 0;
}

}  // namespace

dcf_tensor_spec spec_of(std::string_view name, dcf_dtype dtype, const std::vector<uint64_t>& dims) {
  dcf_tensor_spec spec = DCF_TENSOR_SPEC_INIT;
  spec.name = name.data();
  spec.name_size = name.size();
  spec.dtype = dtype;
  spec.rank = static_cast<uint32_t>(dims.size());
  spec.dims = dims.data();
  return spec;
}

WrittenFile::WrittenFile(const std::function<dcf_status(dcf_writer*, dcf_error*)>& add) {
  dcf_sink sink = DCF_SINK_INIT;
  sink.ctx = &bytes_;
  sink.write = append;
  dcf_error error = DCF_ERROR_INIT;
  dcf_writer* writer = nullptr;
  dcf_status status = dcf_writer_open_sink(&sink, nullptr, &writer, &error);
  if (status == DCF_OK) status = add(writer, &error);
  if (status == DCF_OK) status = dcf_writer_finish(writer, &error);
  dcf_writer_close(writer);
  if (status == DCF_OK) {
    status = dcf_file_open_memory(bytes_.data(), bytes_.size(), nullptr, &file_, &error);
  }
  EXPECT_EQ(status, DCF_OK) << error.message;
}

WrittenFile::~WrittenFile() {
  dcf_file_close(file_);
}

size_t WrittenFile::index(std::string_view name) const {
  size_t index = 0;
  EXPECT_EQ(dcf_tensor_find(file_, name.data(), name.size(), &index, nullptr), DCF_OK) << name;
  return index;
}

}  // namespace dcf::api_test
