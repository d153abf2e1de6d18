// SPDX-License-Identifier: Apache-2.0
#include "io/source.h"

#include <fcntl.h>

namespace dcf::impl::io {

Status Source::check_range(uint64_t offset, uint64_t size) const {
  if (offset <= this->size() && size <= this->size() - offset) return ok_status();
  return fail(Code::Truncated, "", "a read passes the end of the file").at(offset);
}

Bytes Source::view(uint64_t, uint64_t) const {
  return {};
}

Status MemorySource::read_at(uint64_t offset, MutableBytes dst) const {
  DCF_TRY(check_range(offset, dst.size()));
  if (!dst.empty()) std::memcpy(dst.data(), bytes_.data() + offset, dst.size());
  return ok_status();
}

Bytes MemorySource::view(uint64_t offset, uint64_t size) const {
  if (!check_range(offset, size).ok()) return {};
  return bytes_.subspan(static_cast<size_t>(offset), static_cast<size_t>(size));
}

Result<std::unique_ptr<FileSource>> FileSource::open(const char* path, const Syscalls& sys) {
  // O_NONBLOCK: a pipe without a writer is refused below instead of being waited for.
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  UniqueFd fd(sys, retry_interrupted([&] { return sys.openat(AT_FDCWD, path, kFlags, 0); }));
  if (!fd.valid()) return errno_status(Code::IoOpen, errno);
  struct stat info;
  if (retry_interrupted([&] { return sys.fstat(fd.get(), &info); }) != 0) {
    return errno_status(Code::IoOpen, errno);
  }
  if (S_ISDIR(info.st_mode)) return errno_status(Code::IoOpen, EISDIR);
  if (!S_ISREG(info.st_mode)) return fail(Code::IoOpen, "", "it is not a regular file");
  const auto size = static_cast<uint64_t>(info.st_size);
  return std::unique_ptr<FileSource>(new FileSource(sys, std::move(fd), size));
}

Status FileSource::read_at(uint64_t offset, MutableBytes dst) const {
  DCF_TRY(check_range(offset, dst.size()));
  return pread_fully(sys_, fd_.get(), offset, dst.data(), dst.size()).at(offset);
}

Status CallbackSource::read_at(uint64_t offset, MutableBytes dst) const {
  DCF_TRY(check_range(offset, dst.size()));
  if (dst.empty() || read_at_(ctx_, offset, dst.data(), dst.size()) == 0) return ok_status();
  return fail(Code::IoRead, "", "the caller's read callback failed").at(offset);
}

}  // namespace dcf::impl::io
