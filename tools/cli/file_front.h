// SPDX-License-Identifier: Apache-2.0
// What a .dcf file says of its tensors, learned while it passes by on its way to a pipe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <dcf/dcf.hpp>
#include <optional>
#include <span>
#include <vector>

namespace dcf::tools {

// Keeps the first bytes of the file: header, manifest and tables, no data of tensors. Stays where
// it is.
class FileFront {
 public:
  FileFront() = default;
  FileFront(const FileFront&) = delete;
  FileFront& operator=(const FileFront&) = delete;

  // The next bytes of the file.
  void see(std::span<const uint8_t> bytes);
  // Whose tensors can be described, not decoded; NULL before enough was seen.
  const File* file() const { return file_ ? &*file_ : nullptr; }

 private:
  static int read_at(void* self, uint64_t offset, void* dst, size_t size);
  void try_to_open();

  std::vector<uint8_t> bytes_;
  uint64_t needed_ = 64;  // bytes: first the header
  bool done_ = false;
  std::optional<File> file_;
};

}  // namespace dcf::tools
