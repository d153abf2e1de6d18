// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf_blocks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace dcf::tools {
namespace {

constexpr uint64_t kWindows = 16;
constexpr uint64_t kWindowBlocks = 128;
constexpr uint64_t kMostBufferBytes = uint64_t{1} << 16;
// What a tensor costs in the manifest, roughly: name, shape, tables, chunks.
constexpr double kPartBytes = 96;
// Splitting is not worth the time where less than this share is gained.
constexpr double kLeastGain = 1.0 / 256;

// Bytes by value.
class Histogram {
 public:
  void add(uint8_t byte) {
    ++counts_[byte];
    ++total_;
  }
  // Bits per byte that an order-0 code takes. A sample has less entropy than what it was taken
  // from; the correction of Miller and Madow makes up for that.
  double bits() const {
    if (total_ == 0) return 0;
    double sum = 0;
    int used = 0;
    for (const uint64_t count : counts_) {
      if (count == 0) continue;
      ++used;
      sum += static_cast<double>(count) * std::log2(static_cast<double>(count));
    }
    const auto n = static_cast<double>(total_);
    return std::min(8.0, std::log2(n) - sum / n + (used - 1) / (2 * n * std::log(2.0)));
  }

 private:
  std::array<uint64_t, 256> counts_{};
  uint64_t total_ = 0;
};

class BlockPartReader final : public TensorReader {
 public:
  BlockPartReader(const InputFile& file, const GgufBlocks& blocks, size_t part,
                  const MemoryLimit& limit)
      : file_(file),
        offset_(blocks.offset),
        blocks_left_(blocks.blocks),
        block_bytes_(blocks.type->block_bytes),
        part_bytes_(blocks.type->parts[part].bytes) {
    for (size_t i = 0; i < part; ++i) part_begin_ += blocks.type->parts[i].bytes;
    const uint64_t most = kMostBufferBytes / block_bytes_;
    buffer_ = limit.buffer(file.path(), "a buffer for blocks",
                           std::min(blocks_left_, most) * block_bytes_);
    at_ = buffer_.size();
  }

  void read(std::span<uint8_t> out) override {
    while (!out.empty()) {
      if (at_ == buffer_.size()) refill();
      const size_t n = std::min(out.size(), part_bytes_ - done_in_block_);
      std::copy_n(buffer_.begin() + static_cast<ptrdiff_t>(at_ + part_begin_ + done_in_block_), n,
                  out.begin());
      out = out.subspan(n);
      done_in_block_ += n;
      if (done_in_block_ < part_bytes_) continue;
      done_in_block_ = 0;
      at_ += block_bytes_;
    }
  }

 private:
  void refill() {
    const uint64_t blocks = std::min<uint64_t>(blocks_left_, buffer_.size() / block_bytes_);
    buffer_.resize(static_cast<size_t>(blocks * block_bytes_));
    file_.read_at(offset_, buffer_);
    offset_ += buffer_.size();
    blocks_left_ -= blocks;
    at_ = 0;
  }

  const InputFile& file_;
  uint64_t offset_;
  uint64_t blocks_left_;  // that are not in the buffer yet
  size_t block_bytes_;
  size_t part_bytes_;
  size_t part_begin_ = 0;  // in a block
  std::vector<uint8_t> buffer_;
  size_t at_ = 0;             // the current block in the buffer
  size_t done_in_block_ = 0;  // bytes of the part
};

}  // namespace

bool split_gains(const InputFile& file, const GgufBlocks& blocks) {
  const GgufType& type = *blocks.type;
  const uint64_t windows =
      std::min(kWindows, blocks.blocks / kWindowBlocks + (blocks.blocks % kWindowBlocks != 0));
  const uint64_t window_blocks = std::min(kWindowBlocks, blocks.blocks);
  // Of numbers of two bytes only the upper one, which holds the exponent, is coded.
  std::vector<Histogram> histograms(type.parts.size());
  std::vector<uint8_t> window(static_cast<size_t>(window_blocks * type.block_bytes));
  for (uint64_t w = 0; w < windows; ++w) {
    const uint64_t room = blocks.blocks - window_blocks;
    const uint64_t first = windows == 1 ? 0 : room / (windows - 1) * w;
    file.read_at(blocks.offset + first * type.block_bytes, window);
    size_t at = 0;
    for (uint64_t b = 0; b < window_blocks; ++b) {
      for (size_t p = 0; p < type.parts.size(); ++p) {
        const size_t width = dcf_dtype_bits(type.parts[p].dtype) / 8;
        for (size_t i = width - 1; i < type.parts[p].bytes; i += width) {
          histograms[p].add(window[at + i]);
        }
        at += type.parts[p].bytes;
      }
    }
  }
  const auto count = static_cast<double>(blocks.blocks);
  double bytes = 0;
  for (size_t p = 0; p < type.parts.size(); ++p) {
    const uint32_t width = dcf_dtype_bits(type.parts[p].dtype) / 8;
    const double bits_per_element = histograms[p].bits() + 8.0 * (width - 1);
    bytes += count * type.parts[p].bytes / width * bits_per_element / 8 + kPartBytes;
  }
  const double whole = count * type.block_bytes;
  return bytes < whole - whole * kLeastGain;
}

std::unique_ptr<TensorReader> read_block_part(const InputFile& file, const GgufBlocks& blocks,
                                              size_t part, const MemoryLimit& limit) {
  return std::make_unique<BlockPartReader>(file, blocks, part, limit);
}

}  // namespace dcf::tools
