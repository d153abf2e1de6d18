// SPDX-License-Identifier: Apache-2.0
// One zstd frame (RFC 8878) in memory, written and read in pieces.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "formats/memory_limit.h"

namespace dcf::tools {

// Packs as `zstd -19` does, whose window has at most 2^23 bytes.
inline constexpr int kZstdLevel = 19;
inline constexpr int kMaxWindowLog = 23;

class ZstdWriter {
 public:
  // Takes `content_bytes` bytes in all. Throws DcfError (LimitMemory) where the coder needs more
  // memory than the limit.
  ZstdWriter(std::string file, uint64_t content_bytes, const MemoryLimit& limit);
  ~ZstdWriter();
  ZstdWriter(const ZstdWriter&) = delete;
  ZstdWriter& operator=(const ZstdWriter&) = delete;

  void write(std::span<const uint8_t> bytes);
  // The frame, after the last byte.
  std::vector<uint8_t> finish();

 private:
  struct State;
  void run(std::span<const uint8_t> bytes, bool end);

  std::string file_;
  MemoryLimit limit_;
  std::unique_ptr<State> state_;
  std::vector<uint8_t> frame_;
};

// The frame may be a stranger's, and is borrowed. Takes the window's memory.
class ZstdReader {
 public:
  // `what` names the frame in messages. Throws Error where it is none, does not tell its size or
  // wants a larger window.
  ZstdReader(std::string file, std::string what, std::span<const uint8_t> frame);
  ~ZstdReader();
  ZstdReader(ZstdReader&&) noexcept;
  ZstdReader& operator=(ZstdReader&&) noexcept;

  uint64_t content_bytes() const { return content_bytes_; }
  // Fills `out`. Throws Error where the frame is damaged or has no more.
  void read(std::span<uint8_t> out);
  // Throws Error unless all of the frame was read and nothing follows it.
  void finish();

 private:
  struct State;
  [[noreturn]] void fail(const std::string& sentence) const;

  std::string file_;
  std::string what_;
  uint64_t content_bytes_ = 0;
  std::unique_ptr<State> state_;
};

// All of `content` as a frame, and back. `limit` bounds the content.
std::vector<uint8_t> zstd_pack(const std::string& file, std::span<const uint8_t> content,
                               const MemoryLimit& limit);
std::vector<uint8_t> zstd_unpack(const std::string& file, const std::string& what,
                                 std::span<const uint8_t> frame, const MemoryLimit& limit);

}  // namespace dcf::tools
