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
      // The last block that the memory has room for turns small pieces into large writes.
      const bool full = (blocks_.size() + 1) * block_bytes_ > memory_;
      if (!blocks_.empty() && full) {
        failure_ = spill();
        DCF_TRY(failure_);
      } else {
        blocks_.emplace_back().reserve(block_bytes_);
      }
    }
    BigVector<uint8_t>& block = blocks_.back();
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
  BigVector<uint8_t>& block = blocks_.back();
  DCF_TRY(write_fully(sys_, file_.get(), block.data(), block.size()));
  spilled_ += block.size();
  block.clear();
  return ok_status();
}

Status Spool::read_back(const std::function<Status(Bytes)>& consume) const {
  DCF_TRY(failure_);
  if (blocks_.empty()) return ok_status();
  for (size_t i = 0; i + 1 < blocks_.size(); ++i) DCF_TRY(consume(blocks_[i]));
  std::vector<uint8_t> buffer(static_cast<size_t>(std::min(spilled_, block_bytes_)));
  for (uint64_t at = 0; at < spilled_;) {
    const auto n = static_cast<size_t>(std::min<uint64_t>(buffer.size(), spilled_ - at));
    DCF_TRY(pread_fully(sys_, file_.get(), at, buffer.data(), n));
    DCF_TRY(consume(Bytes(buffer).first(n)));
    at += n;
  }
  return consume(blocks_.back());
}

Status Spool::read_at(uint64_t offset, MutableBytes dst) const {
  DCF_TRY(failure_);
  if (offset > size_ || dst.size() > size_ - offset) {
    return fail(Code::Internal, "", "a range of the spool was never written");
  }
  const uint64_t file_begin = blocks_.empty() ? 0 : (blocks_.size() - 1) * block_bytes_;
  while (!dst.empty()) {
    size_t n = dst.size();
    if (offset >= file_begin && offset - file_begin < spilled_) {
      const uint64_t at = offset - file_begin;
      n = static_cast<size_t>(std::min<uint64_t>(n, spilled_ - at));
      DCF_TRY(pread_fully(sys_, file_.get(), at, dst.data(), n));
    } else {
      const bool last = offset >= file_begin;
      const auto& block =
          last ? blocks_.back() : blocks_[static_cast<size_t>(offset / block_bytes_)];
      const auto at =
          static_cast<size_t>(last ? offset - file_begin - spilled_ : offset % block_bytes_);
      n = std::min(n, block.size() - at);
      std::copy_n(block.begin() + static_cast<ptrdiff_t>(at), n, dst.begin());
    }
    dst = dst.subspan(n);
    offset += n;
  }
  return ok_status();
}

}  // namespace dcf::impl
