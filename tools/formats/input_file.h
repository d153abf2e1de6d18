// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "formats/unique_fd.h"

namespace dcf::tools {

// A regular file open for positional reads. Const members may run on several threads at once.
class InputFile {
 public:
  // Throws Error where `path` is missing, unreadable or not a regular file.
  explicit InputFile(std::string path);

  const std::string& path() const { return path_; }
  uint64_t size() const { return size_; }

  // Fills `out` from `offset` or throws Error: the range must lie inside the file.
  void read_at(uint64_t offset, std::span<uint8_t> out) const;
  std::vector<uint8_t> read_range(uint64_t offset, uint64_t size) const;

 private:
  void check_range(uint64_t offset, uint64_t size) const;

  std::string path_;
  UniqueFd fd_;
  uint64_t size_ = 0;
};

}  // namespace dcf::tools
