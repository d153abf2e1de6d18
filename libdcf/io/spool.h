// SPDX-License-Identifier: Apache-2.0
// Append-only bytes of unknown number that can be read back: in memory up to a threshold, those
// beyond it in a temporary file without a name. The writer keeps the payload here, because the
// manifest precedes it in the file but is known only at the end. One thread appends; any number may
// call the const members while none appends.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/big_vector.h"
#include "base/bytes.h"
#include "io/syscalls.h"

namespace dcf::impl::io {

class Spool {
 public:
  static constexpr uint64_t kBlockBytes = uint64_t{2} << 20;
  static constexpr uint64_t kMinBlockBytes = 4096;
  static constexpr uint64_t kDefaultMemory = uint64_t{64} << 20;

  // Holds at most max(memory, kMinBlockBytes) bytes in memory. The file lies in `directory`; if
  // that is empty in $TMPDIR, or else in /tmp.
  explicit Spool(uint64_t memory = kDefaultMemory, std::string directory = {},
                 const Syscalls& sys = system_calls())
      : sys_(sys),
        memory_(memory),
        block_bytes_(std::clamp(memory, kMinBlockBytes, kBlockBytes)),
        directory_(std::move(directory)) {}

  // IoWrite, IoNoSpace, or IoOpen if no temporary file can be made. A failure is final.
  Status append(Bytes bytes);
  // The same; a large vector is kept instead of its copy where the memory has room for it, unless
  // most of what it holds is unused.
  Status append(BigVector<uint8_t>&& bytes);
  uint64_t size() const { return size_; }
  // Fills dst with the bytes at `offset`. All of them must have been appended.
  Status read_at(uint64_t offset, MutableBytes dst) const;
  // Calls consume(bytes) for the same, in order and in pieces of at most kBlockBytes, and stops at
  // its first failure. Those of the file go through `room`, which has at least a byte. Allocates
  // nothing.
  template <typename Consume>
  Status read_pieces(uint64_t offset, uint64_t size, MutableBytes room, Consume consume) const {
    DCF_TRY(check_range(offset, size));
    while (size > 0) {
      DCF_ASSIGN(const Bytes piece, piece_at(offset, std::min(size, kBlockBytes), room));
      DCF_TRY(consume(piece));
      offset += piece.size();
      size -= piece.size();
    }
    return ok_status();
  }

 private:
  struct Block {
    uint64_t begin;  // offset of its first byte
    BigVector<uint8_t> bytes;
  };
  Status spill();
  Status check_range(uint64_t offset, uint64_t size) const;
  // The bytes from `offset` on, at least one and at most `most`: in memory, or read into `room`.
  Result<Bytes> piece_at(uint64_t offset, uint64_t most, MutableBytes room) const;

  const Syscalls& sys_;
  uint64_t memory_;
  uint64_t block_bytes_;
  std::string directory_;
  uint64_t size_ = 0;
  // In order: all blocks but the last; the file; the last block. More goes to the last one while it
  // has less than block_bytes_.
  std::vector<Block> blocks_;
  uint64_t held_ = 0;  // bytes of memory
  UniqueFd file_;
  uint64_t spilled_ = 0;  // bytes in file_
  Status failure_;
};

}  // namespace dcf::impl::io
