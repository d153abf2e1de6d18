// SPDX-License-Identifier: Apache-2.0
#include "formats/shard_reader.h"

#include <algorithm>
#include <utility>

#include "formats/error.h"

namespace dcf::tools {
namespace {

class ShardRange final : public TensorReader {
 public:
  ShardRange(const ShardList& list, uint64_t offset) : reader_(list), offset_(offset) {}

  void read(std::span<uint8_t> out) override {
    reader_.read_at(offset_, out);
    offset_ += out.size();
  }

 private:
  ShardReader reader_;
  uint64_t offset_;
};

}  // namespace

void ShardList::add(std::string name) {
  const InputFile file = folder_->open(name);
  const uint64_t begin = bytes();
  uint64_t end = 0;
  if (__builtin_add_overflow(begin, file.size(), &end)) {
    throw_invalid(file.path(), "together with the files before it is larger than 2^64 bytes");
  }
  shards_.push_back({.name = std::move(name), .begin = begin, .end = end});
}

void ShardReader::read_at(uint64_t offset, std::span<uint8_t> out) {
  while (!out.empty()) {
    const auto& shards = list_.shards_;
    const auto it = std::upper_bound(shards.begin(), shards.end(), offset,
                                     [](uint64_t at, const auto& shard) { return at < shard.end; });
    const size_t index = static_cast<size_t>(it - shards.begin());
    if (!file_ || index != current_) {
      file_.emplace(list_.open(index));
      current_ = index;
    }
    const uint64_t size = std::min<uint64_t>(out.size(), it->end - offset);
    file_->read_at(offset - it->begin, out.first(static_cast<size_t>(size)));
    offset += size;
    out = out.subspan(static_cast<size_t>(size));
  }
}

std::unique_ptr<TensorReader> read_shard_range(const ShardList& list, uint64_t offset) {
  return std::make_unique<ShardRange>(list, offset);
}

}  // namespace dcf::tools
