// SPDX-License-Identifier: Apache-2.0
#include "io/syscalls.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

namespace dcf::impl::io {
namespace {

int call_openat(int dir, const char* path, int flags, mode_t mode) {
  return ::openat(dir, path, flags, mode);
}

int call_renameat2(int old_dir, const char* old_path, int new_dir, const char* new_path,
                   unsigned flags) {
  // Sandboxes know the old call better.
  if (flags == 0) return ::renameat(old_dir, old_path, new_dir, new_path);
  return ::renameat2(old_dir, old_path, new_dir, new_path, flags);
}

const char* sentence(Code code) {
  switch (code) {
#define DCF_CASE(name, constant, number, cls, text) \
  case Code::name:                                  \
    return text;
    DCF_STATUS_LIST(DCF_CASE)
#undef DCF_CASE
  }
  return "";
}

// Calls write(p, left) until nothing of [src, src + size) is left.
template <typename Write>
Status write_all(const void* src, size_t size, const Write& write) {
  const auto* p = static_cast<const uint8_t*>(src);
  while (size > 0) {
    const ssize_t n = retry_interrupted([&] { return write(p, size); });
    if (n < 0) return errno_status(Code::IoWrite, errno);
    if (n == 0) return fail(Code::IoWrite, "", "the device accepts no more bytes");
    p += n;
    size -= static_cast<size_t>(n);
  }
  return ok_status();
}

}  // namespace

const Syscalls& system_calls() {
  static constexpr Syscalls kCalls = {call_openat, ::fstat,        ::fchmod,  ::pread,
                                      ::write,     ::pwrite,       ::fsync,   ::close,
                                      ::linkat,    call_renameat2, ::unlinkat};
  return kCalls;
}

Status errno_status(Code code, int error) {
  switch (error) {
    case ENOSPC:
      return system_fail(Code::IoNoSpace, error, sentence(Code::IoNoSpace));
    case EDQUOT:
      return system_fail(Code::IoNoSpace, error, "the disk quota is exhausted");
    case ENOENT:
      return system_fail(code, error, "no such file or directory");
    case EACCES:
    case EPERM:
      return system_fail(code, error, "permission denied");
    case EISDIR:
      return system_fail(code, error, "it is a directory, not a file");
    case ENOTDIR:
      return system_fail(code, error, "a part of the path is not a directory");
    case EROFS:
      return system_fail(code, error, "the file system is read-only");
    case ENAMETOOLONG:
      return system_fail(code, error, "the name is too long");
    case ELOOP:
      return system_fail(code, error, "the path has too many symbolic links");
    case EMFILE:
    case ENFILE:
      return system_fail(code, error, "too many files are open");
    case EFBIG:
      return system_fail(code, error, "the file would become larger than the system allows");
    case EIO:
      return system_fail(code, error, "the device reported an input/output error");
    default:
      return system_fail(code, error, sentence(code));
  }
}

Status write_fully(const Syscalls& sys, int fd, const void* src, size_t size) {
  return write_all(src, size,
                   [&](const uint8_t* p, size_t left) { return sys.write(fd, p, left); });
}

Status pwrite_fully(const Syscalls& sys, int fd, uint64_t offset, const void* src, size_t size) {
  return write_all(src, size, [&](const uint8_t* p, size_t left) {
    return sys.pwrite(fd, p, left, static_cast<off_t>(offset + (size - left)));
  });
}

void begin_flush([[maybe_unused]] int fd, [[maybe_unused]] uint64_t offset,
                 [[maybe_unused]] uint64_t size) {
#ifdef SYNC_FILE_RANGE_WRITE
  ::sync_file_range(fd, static_cast<off_t>(offset), static_cast<off_t>(size),
                    SYNC_FILE_RANGE_WRITE);
#endif
}

Status pread_fully(const Syscalls& sys, int fd, uint64_t offset, void* dst, size_t size) {
  auto* p = static_cast<uint8_t*>(dst);
  while (size > 0) {
    const ssize_t n =
        retry_interrupted([&] { return sys.pread(fd, p, size, static_cast<off_t>(offset)); });
    if (n < 0) return errno_status(Code::IoRead, errno);
    if (n == 0) return fail(Code::IoRead, "", "the file became shorter while it was being read");
    p += n;
    offset += static_cast<uint64_t>(n);
    size -= static_cast<size_t>(n);
  }
  return ok_status();
}

}  // namespace dcf::impl::io
