// SPDX-License-Identifier: Apache-2.0
#include "faults.h"

#include <fcntl.h>
#include <stdio.h>

#include <algorithm>
#include <cstring>

namespace dcf::impl::io {

FaultPlan fault_plan;

namespace {

bool interrupted_last = false;

// Whether the call is to fail now, with errno set.
bool fails(const char* name) {
  if (fault_plan.interrupt && std::strcmp(name, "close") != 0) {
    interrupted_last = !interrupted_last;
    if (interrupted_last) {
      errno = EINTR;
      return true;
    }
  }
  const int index = fault_plan.calls++;
  if (fault_plan.stop_at >= 0 && index >= fault_plan.stop_at) {
    errno = EIO;
    return true;
  }
  if (index != fault_plan.fail_at) return false;
  fault_plan.failed = name;
  errno = fault_plan.error;
  return true;
}

size_t count(size_t size) {
  return fault_plan.short_counts ? std::min<size_t>(size, 1) : size;
}

int fake_openat(int dir, const char* path, int flags, mode_t mode) {
  if (fails("openat")) return -1;
  if (fault_plan.no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
    errno = EOPNOTSUPP;
    return -1;
  }
  return system_calls().openat(dir, path, flags, mode);
}
int fake_fstat(int fd, struct stat* out) {
  return fails("fstat") ? -1 : system_calls().fstat(fd, out);
}
int fake_fchmod(int fd, mode_t mode) {
  return fails("fchmod") ? -1 : system_calls().fchmod(fd, mode);
}
ssize_t fake_pread(int fd, void* dst, size_t size, off_t offset) {
  return fails("pread") ? -1 : system_calls().pread(fd, dst, count(size), offset);
}
ssize_t fake_write(int fd, const void* src, size_t size) {
  return fails("write") ? -1 : system_calls().write(fd, src, count(size));
}
ssize_t fake_pwrite(int fd, const void* src, size_t size, off_t offset) {
  return fails("pwrite") ? -1 : system_calls().pwrite(fd, src, count(size), offset);
}
int fake_fsync(int fd) {
  return fails("fsync") ? -1 : system_calls().fsync(fd);
}
int fake_close(int fd) {
  // The descriptor is gone, whatever close returns.
  const int rc = system_calls().close(fd);
  return fails("close") ? -1 : rc;
}
int fake_linkat(int old_dir, const char* old_path, int new_dir, const char* new_path, int flags) {
  if (fails("linkat")) return -1;
  return system_calls().linkat(old_dir, old_path, new_dir, new_path, flags);
}
int fake_renameat2(int old_dir, const char* old_path, int new_dir, const char* new_path,
                   unsigned flags) {
  if (fails("renameat2")) return -1;
  if (fault_plan.no_noreplace && flags != 0) {
    errno = EINVAL;
    return -1;
  }
  return system_calls().renameat2(old_dir, old_path, new_dir, new_path, flags);
}
int fake_unlinkat(int dir, const char* path, int flags) {
  return fails("unlinkat") ? -1 : system_calls().unlinkat(dir, path, flags);
}

}  // namespace

const Syscalls& faulty_calls() {
  static constexpr Syscalls kCalls = {fake_openat, fake_fstat,     fake_fchmod,  fake_pread,
                                      fake_write,  fake_pwrite,    fake_fsync,   fake_close,
                                      fake_linkat, fake_renameat2, fake_unlinkat};
  return kCalls;
}

}  // namespace dcf::impl::io
