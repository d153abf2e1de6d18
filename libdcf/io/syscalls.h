// SPDX-License-Identifier: Apache-2.0
// The system calls of this layer as a table of function pointers, so that tests can make any one of
// them fail; and an owner of a file descriptor. Immutable, hence safe from any thread.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/status.h"

namespace dcf::impl::io {

// Arguments, results and errno are those of the manual pages of the same names.
struct Syscalls {
  int (*openat)(int dir, const char* path, int flags, mode_t mode);
  int (*fstat)(int fd, struct stat* out);
  int (*fchmod)(int fd, mode_t mode);
  ssize_t (*pread)(int fd, void* dst, size_t size, off_t offset);
  ssize_t (*write)(int fd, const void* src, size_t size);
  ssize_t (*pwrite)(int fd, const void* src, size_t size, off_t offset);
  int (*fsync)(int fd);
  int (*close)(int fd);
  int (*linkat)(int old_dir, const char* old_path, int new_dir, const char* new_path, int flags);
  int (*renameat2)(int old_dir, const char* old_path, int new_dir, const char* new_path,
                   unsigned flags);
  int (*unlinkat)(int dir, const char* path, int flags);
};

// The operating system's own.
const Syscalls& system_calls();

// The status of a failed call with this errno, which it keeps: IoNoSpace for a full disk or an
// exhausted quota, otherwise `code` with a sentence for the errno.
Status errno_status(Code code, int error);

// Repeats a call that a signal interrupted.
template <typename Call>
auto retry_interrupted(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

// Writes all of [src, src + size), also after short writes and interruptions.
Status write_fully(const Syscalls& sys, int fd, const void* src, size_t size);
// The same at `offset`; the position of `fd` does not move.
Status pwrite_fully(const Syscalls& sys, int fd, uint64_t offset, const void* src, size_t size);
// Asks the system to start writing these bytes of the file to the disk, and does not wait. A hint:
// it does nothing where there is no such call, and promises nothing.
void begin_flush(int fd, uint64_t offset, uint64_t size);
// Reads exactly `size` bytes at `offset`; a file that ends earlier is IoRead.
Status pread_fully(const Syscalls& sys, int fd, uint64_t offset, void* dst, size_t size);

// Owns a descriptor, or none (-1).
class UniqueFd {
 public:
  UniqueFd() = default;
  UniqueFd(const Syscalls& sys, int fd) : sys_(&sys), fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : sys_(other.sys_), fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      reset();
      sys_ = other.sys_;
      fd_ = other.release();
    }
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset() {
    if (fd_ >= 0) sys_->close(release());
  }

 private:
  const Syscalls* sys_ = nullptr;
  int fd_ = -1;
};

}  // namespace dcf::impl::io
