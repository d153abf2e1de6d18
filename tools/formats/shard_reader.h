// SPDX-License-Identifier: Apache-2.0
// The weight files of a TensorFlow.js model, read as one range of bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/beneath.h"

namespace dcf::tools {

// Files of one folder, one after another, as one range of bytes.
class ShardList {
 public:
  // Borrows the folder.
  explicit ShardList(const Folder& folder) : folder_(&folder) {}

  // Opens the file, as Folder::open() does, to learn its size.
  void add(std::string name);
  uint64_t bytes() const { return shards_.empty() ? 0 : shards_.back().end; }

 private:
  friend class ShardReader;
  struct Shard {
    std::string name;
    uint64_t begin = 0;
    uint64_t end = 0;
  };
  const Folder* folder_;
  std::vector<Shard> shards_;
};

// Reads from the list, with one file open at a time.
class ShardReader {
 public:
  explicit ShardReader(const ShardList& list) : list_(list) {}

  // The range must lie inside list.bytes().
  void read_at(uint64_t offset, std::span<uint8_t> out);

 private:
  const ShardList& list_;
  size_t current_ = 0;
  std::optional<InputFile> file_;
};

}  // namespace dcf::tools
