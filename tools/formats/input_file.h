// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "formats/memory_limit.h"
#include "io/syscalls.h"

namespace dcf::tools {

// A regular file open for positional reads. Const members may run on several threads at once.
class InputFile {
 public:
  // Throws Error where `path` is missing, unreadable or not a regular file.
  explicit InputFile(std::string path);
  // A file that is open already, or the `error` of opening it; `name` stands for it in messages.
  InputFile(std::string name, impl::io::UniqueFd fd, int error);

  // As given to the constructor.
  const std::string& path() const { return path_; }
  uint64_t size() const { return size_; }
  // Open for reading as long as this lives.
  int descriptor() const { return fd_.get(); }

  // Fills `out` from `offset` or throws Error: the range must lie inside the file.
  void read_at(uint64_t offset, std::span<uint8_t> out) const;
  // The same into a new buffer. The caller has checked `size` against a limit of its own.
  std::vector<uint8_t> read_range(uint64_t offset, uint64_t size) const;

  // Throws Error unless the range lies inside the file.
  void check_range(uint64_t offset, uint64_t size) const;

 private:
  // `error` says why there is no descriptor, where there is none.
  void examine(int error);

  std::string path_;
  impl::io::UniqueFd fd_;
  uint64_t size_ = 0;
};

}  // namespace dcf::tools
