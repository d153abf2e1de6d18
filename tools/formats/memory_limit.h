// SPDX-License-Identifier: Apache-2.0
// The memory that a reader of a stranger's file may take (-M of the command line).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dcf::tools {

class MemoryLimit {
 public:
  static constexpr uint64_t kDefaultBytes = uint64_t{1} << 30;

  // 0 is the default.
  explicit MemoryLimit(uint64_t bytes = 0) : bytes_(bytes == 0 ? kDefaultBytes : bytes) {}

  uint64_t bytes() const { return bytes_; }
  // Which option sets it, and that more is to be had: "-M allows 1G; give more, such as -M 2G".
  // What is needed is not known: it names the double, but at least 64M.
  std::string hint() const;

  // Throws DcfError (LimitMemory) if `needed` bytes are more than the limit. The message names
  // `file`, and `what` needs them. Call it before the memory is allocated.
  void check(const std::string& file, const std::string& what, uint64_t needed) const;

  // Room for `needed` bytes, zeroed. Checked as above; memory that the system does not have is an
  // Error that names `file`.
  std::vector<uint8_t> buffer(const std::string& file, const std::string& what,
                              uint64_t needed) const;

 private:
  uint64_t bytes_;
};

}  // namespace dcf::tools
