// SPDX-License-Identifier: Apache-2.0
// An open .dcf file: dcf::File with exceptions that name the file and the tensor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <dcf/dcf.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/dcf_error.h"
#include "formats/model_source.h"

namespace dcf::tools {

// Const members may run on several threads at once. All of them throw DcfError.
class DcfFile {
 public:
  // `path` "-" reads standard input to its end, into at most hints.max_memory bytes.
  DcfFile(std::string path, const OpenHints& hints);

  const std::string& path() const { return path_; }
  // Null only while the constructor runs.
  const dcf_file* handle() const { return file_ ? file_->get() : nullptr; }
  const dcf::File& opened() const { return *file_; }
  uint64_t max_memory() const { return max_memory_; }
  uint32_t threads() const { return threads_; }  // as asked for, or the processors of the machine

  dcf_file_info info() const { return file_->info(); }
  size_t tensor_count() const { return dcf_tensor_count(handle()); }
  dcf_tensor_info tensor(size_t i) const;
  TensorMeta meta(size_t i) const;
  // Where the bytes of the tensor are spent. Decodes all of its chunks.
  dcf_tensor_bytes measure(size_t i) const;
  std::map<std::string, std::string> metadata() const;
  // Calls see(key, value) for every pair, in the order of the keys, and copies none.
  using SeePair = std::function<void(std::string_view key, std::string_view value)>;
  void each_metadata(const SeePair& see) const;

  // All bytes of the ancillary section of this kind, which must fit into max_memory(); nothing
  // where there is none.
  std::optional<std::vector<uint8_t>> section(uint32_t kind) const;

  // All bytes of the tensor, which must fit into max_memory().
  std::vector<uint8_t> decode(size_t i) const;

  // Room to decode `bytes` bytes of a tensor into, which must fit into max_memory().
  std::vector<uint8_t> buffer_for(size_t tensor, uint64_t bytes) const;
  // Throws unless `status` is DCF_OK.
  void check(dcf_status status, const dcf_error& error) const;
  // The value, or throws.
  template <typename T>
  T take(dcf::Result<T> result) const {
    check(result.status(), result.error());
    return std::move(*result);
  }

 private:
  std::string path_;
  uint64_t max_memory_;
  uint64_t told_memory_;
  uint32_t threads_;
  std::vector<uint8_t> stdin_bytes_;  // borrowed by file_
  std::optional<dcf::File> file_;
};

}  // namespace dcf::tools
