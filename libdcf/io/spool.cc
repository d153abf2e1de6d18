// SPDX-License-Identifier: Apache-2.0
#include "io/spool.h"

#include <fcntl.h>
#include <stdlib.h>

#include "io/temp_file.h"

namespace dcf::impl::io {
namespace {

Result<UniqueFd> open_scratch(const Syscalls& sys, const std::string& directory) {
  const char* path = directory.c_str();
  if (directory.empty()) {
    path = ::getenv("TMPDIR");
    if (path == nullptr || *path == '\0') path = "/tmp";
  }
  constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  UniqueFd dir(sys, retry_interrupted([&] { return sys.openat(AT_FDCWD, path, kDirectory, 0); }));
  if (!dir.valid()) return errno_status(Code::IoOpen, errno);
  DCF_ASSIGN(TempFile temp, make_temp_file(sys, dir.get(), 0600));
  if (!temp.name.empty()) {
    const int rc = retry_interrupted([&] { return sys.unlinkat(dir.get(), temp.name.c_str(), 0); });
    if (rc != 0) return errno_status(Code::IoOpen, errno);
  }
  return std::move(temp.file);
}

}  // namespace

Status Spool::append(Bytes bytes) {
  DCF_TRY(failure_);
  while (!bytes.empty()) {
    if (blocks_.empty() || blocks_.back().bytes.size() >= block_bytes_) {
      // The last block that the memory has room for turns small pieces into large writes.
      const bool full = held_ + block_bytes_ > memory_;
      if (!blocks_.empty() && full) {
        failure_ = spill();
        DCF_TRY(failure_);
      } else {
        blocks_.push_back({size_, {}});
        blocks_.back().bytes.reserve(block_bytes_);
        held_ += block_bytes_;
      }
    }
    BigVector<uint8_t>& block = blocks_.back().bytes;
    const size_t n = std::min<size_t>(bytes.size(), block_bytes_ - block.size());
    block.insert(block.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(n));
    bytes = bytes.subspan(n);
    size_ += n;
  }
  return ok_status();
}

Status Spool::append(BigVector<uint8_t>&& bytes) {
  DCF_TRY(failure_);
  // With a block to follow it. Once there is a file, there is no room for that.
  const bool fits = bytes.capacity() + block_bytes_ <= memory_ - std::min(memory_, held_);
  const bool mostly_used = bytes.capacity() / 2 <= bytes.size();
  if (bytes.size() < block_bytes_ || !mostly_used || !fits) return append(Bytes(bytes));
  blocks_.push_back({size_, std::move(bytes)});
  held_ += blocks_.back().bytes.capacity();
  size_ += blocks_.back().bytes.size();
  return ok_status();
}

Status Spool::spill() {
  if (!file_.valid()) {
    DCF_ASSIGN(file_, open_scratch(sys_, directory_));
  }
  Block& block = blocks_.back();
  DCF_TRY(write_fully(sys_, file_.get(), block.bytes.data(), block.bytes.size()));
  spilled_ += block.bytes.size();
  block.begin = size_;
  block.bytes.clear();
  return ok_status();
}

Status Spool::check_range(uint64_t offset, uint64_t size) const {
  DCF_TRY(failure_);
  if (offset > size_ || size > size_ - offset) {
    return fail(Code::Internal, "", "a range of the spool was never written");
  }
  return ok_status();
}

Result<Bytes> Spool::piece_at(uint64_t offset, uint64_t most, MutableBytes room) const {
  const uint64_t file_end = blocks_.back().begin;
  const uint64_t file_begin = file_end - spilled_;
  if (offset >= file_begin && offset < file_end) {
    const MutableBytes piece =
        room.first(static_cast<size_t>(std::min({most, file_end - offset, uint64_t{room.size()}})));
    DCF_TRY(pread_fully(sys_, file_.get(), offset - file_begin, piece.data(), piece.size()));
    return Bytes(piece);
  }
  const auto after = std::upper_bound(blocks_.begin(), blocks_.end(), offset,
                                      [](uint64_t at, const Block& b) { return at < b.begin; });
  const Block& block = *std::prev(after);
  const Bytes rest = Bytes(block.bytes).subspan(static_cast<size_t>(offset - block.begin));
  return rest.first(static_cast<size_t>(std::min<uint64_t>(most, rest.size())));
}

Status Spool::read_at(uint64_t offset, MutableBytes dst) const {
  DCF_TRY(check_range(offset, dst.size()));
  while (!dst.empty()) {
    DCF_ASSIGN(const Bytes piece, piece_at(offset, dst.size(), dst));
    if (piece.data() != dst.data()) std::copy(piece.begin(), piece.end(), dst.begin());
    dst = dst.subspan(piece.size());
    offset += piece.size();
  }
  return ok_status();
}

}  // namespace dcf::impl::io
