// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/input_file.h"

namespace dcf::tools {

// Files that follow one another, seen as one stretch of bytes.
class ShardList {
 public:
  void add(std::string path, uint64_t bytes);
  uint64_t bytes() const { return shards_.empty() ? 0 : shards_.back().end; }

 private:
  friend class ShardReader;
  struct Shard {
    std::string path;
    uint64_t begin = 0;
    uint64_t end = 0;
  };
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
