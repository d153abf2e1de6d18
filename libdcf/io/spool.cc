// SPDX-License-Identifier: Apache-2.0
#include "io/spool.h"

#include <fcntl.h>
#include <stdlib.h>

#include "io/temp_file.h"

namespace dcf::impl {
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
    if (blocks_.empty() || blocks_.back().size() == block_bytes_) {
      // Once there is a file, one block is kept in memory to turn small pieces into large writes.
      const bool full = (blocks_.size() + 1) * block_bytes_ > memory_;
      if (!blocks_.empty() && (full || file_.valid())) {
        failure_ = spill();
        DCF_TRY(failure_);
      }
      blocks_.emplace_back().reserve(block_bytes_);
    }
    std::vector<uint8_t>& block = blocks_.back();
    const size_t n = std::min<size_t>(bytes.size(), block_bytes_ - block.size());
    block.insert(block.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(n));
    bytes = bytes.subspan(n);
    size_ += n;
  }
  return ok_status();
}

Status Spool::spill() {
  if (!file_.valid()) {
    DCF_ASSIGN(file_, open_scratch(sys_, directory_));
  }
  for (const std::vector<uint8_t>& block : blocks_) {
    DCF_TRY(write_fully(sys_, file_.get(), block.data(), block.size()));
    spilled_ += block.size();
  }
  blocks_.clear();
  return ok_status();
}

Status Spool::read_back(const std::function<Status(Bytes)>& consume) const {
  DCF_TRY(failure_);
  std::vector<uint8_t> buffer(static_cast<size_t>(std::min(spilled_, block_bytes_)));
  for (uint64_t at = 0; at < spilled_;) {
    const auto n = static_cast<size_t>(std::min<uint64_t>(buffer.size(), spilled_ - at));
    DCF_TRY(pread_fully(sys_, file_.get(), at, buffer.data(), n));
    DCF_TRY(consume(Bytes(buffer).first(n)));
    at += n;
  }
  for (const std::vector<uint8_t>& block : blocks_) DCF_TRY(consume(block));
  return ok_status();
}

Status Spool::read_at(uint64_t offset, MutableBytes dst) const {
  DCF_TRY(failure_);
  if (offset > size_ || dst.size() > size_ - offset) {
    return fail(Code::Internal, "", "a range of the spool was never written");
  }
  if (offset < spilled_) {
    const auto n = static_cast<size_t>(std::min<uint64_t>(dst.size(), spilled_ - offset));
    DCF_TRY(pread_fully(sys_, file_.get(), offset, dst.data(), n));
    dst = dst.subspan(n);
    offset += n;
  }
  // All blocks but the last are full.
  for (uint64_t at = offset - spilled_; !dst.empty();) {
    const std::vector<uint8_t>& block = blocks_[static_cast<size_t>(at / block_bytes_)];
    const auto first = static_cast<size_t>(at % block_bytes_);
    const size_t n = std::min(dst.size(), block.size() - first);
    std::copy_n(block.begin() + static_cast<ptrdiff_t>(first), n, dst.begin());
    dst = dst.subspan(n);
    at += n;
  }
  return ok_status();
}

}  // namespace dcf::impl
