// SPDX-License-Identifier: Apache-2.0
// The weight files of a model, read as one range of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/beneath.h"
#include "formats/model_source.h"

namespace dcf::tools {

// Files of one folder, one after another, as one range of bytes.
class ShardList {
 public:
  // Borrows the folder.
  explicit ShardList(const Folder& folder) : folder_(&folder) {}

  // Opens the file, as Folder::open() does, to learn its size.
  void add(std::string name);
  uint64_t bytes() const { return shards_.empty() ? 0 : shards_.back().end; }

  size_t size() const { return shards_.size(); }
  const std::string& name(size_t i) const { return shards_[i].name; }
  // Where file i lies in the range.
  uint64_t begin(size_t i) const { return shards_[i].begin; }
  uint64_t end(size_t i) const { return shards_[i].end; }
  InputFile open(size_t i) const { return folder_->open(shards_[i].name); }

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

// A tensor whose bytes lie in the list from `offset`. Borrows the list.
std::unique_ptr<TensorReader> read_shard_range(const ShardList& list, uint64_t offset);

}  // namespace dcf::tools
