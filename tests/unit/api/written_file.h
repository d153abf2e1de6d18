// SPDX-License-Identifier: Apache-2.0
// A .dcf file in memory, written and opened through the C ABI.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "dcf/dcf.h"
#include "dcf/dcf_write.h"

namespace dcf::api_test {

// The spec of a tensor; name and dims are borrowed.
dcf_tensor_spec spec_of(std::string_view name, dcf_dtype dtype, const std::vector<uint64_t>& dims);

class WrittenFile {
 public:
  // `add` adds the tensors. A failure of the test, and no file, where it or the writer fails.
  explicit WrittenFile(const std::function<dcf_status(dcf_writer*, dcf_error*)>& add);
  WrittenFile(const WrittenFile&) = delete;
  WrittenFile& operator=(const WrittenFile&) = delete;
  ~WrittenFile();

  const std::vector<uint8_t>& bytes() const { return bytes_; }
  const dcf_file* get() const { return file_; }
  // The index of a tensor that is there.
  size_t index(std::string_view name) const;

 private:
  std::vector<uint8_t> bytes_;
  dcf_file* file_ = nullptr;
};

}  // namespace dcf::api_test
