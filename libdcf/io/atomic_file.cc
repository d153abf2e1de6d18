// SPDX-License-Identifier: Apache-2.0
#include "io/atomic_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/temp_file.h"

namespace dcf::impl::io {
namespace {

constexpr mode_t kPermissions = 0777;
// The disk starts on bytes of this number while more are made, so that commit() waits for few.
constexpr uint64_t kFlushAhead = uint64_t{8} << 20;

std::string resolve_links(const char* path) {
  char* resolved = ::realpath(path, nullptr);
  if (resolved == nullptr) return path;  // new, or out of reach: then opening the directory fails
  std::string result = resolved;
  ::free(resolved);
  return result;
}

Status exists_already() {
  return system_fail(Code::FileExists, EEXIST, "the output exists already");
}

}  // namespace

Result<AtomicFile::Place> AtomicFile::find_place(const char* path, bool overwrite,
                                                 const Syscalls& sys) {
  const std::string resolved = resolve_links(path);
  const size_t name_at = resolved.rfind('/') + 1;  // npos + 1 is 0
  Place place{.dir = {}, .name = resolved.substr(name_at)};
  const std::string directory = name_at == 0 ? "." : resolved.substr(0, name_at);
  if (place.name.empty()) return fail(Code::IoOpen, "", "the output path does not name a file");

  struct stat existing;
  if (::lstat(resolved.c_str(), &existing) == 0) {
    if (S_ISDIR(existing.st_mode)) return errno_status(Code::IoOpen, EISDIR);
    place.replaces = S_ISREG(existing.st_mode);
    if (!place.replaces && !S_ISLNK(existing.st_mode)) {
      return fail(Code::IoOpen, "", "the output exists and is not a regular file");
    }
    if (!overwrite) return exists_already();
    if (place.replaces) place.mode = existing.st_mode & kPermissions;
  }

  constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  place.dir = UniqueFd(sys, retry_interrupted([&] {
                         return sys.openat(AT_FDCWD, directory.c_str(), kDirectory, 0);
                       }));
  if (!place.dir.valid()) return errno_status(Code::IoOpen, errno);
  return place;
}

Status AtomicFile::check(const char* path, bool overwrite, const Syscalls& sys) {
  DCF_ASSIGN(const Place place, find_place(path, overwrite, sys));
  const int rc = ::faccessat(place.dir.get(), ".", W_OK | X_OK, AT_EACCESS);
  return rc == 0 ? ok_status() : errno_status(Code::IoOpen, errno);
}

Result<std::unique_ptr<AtomicFile>> AtomicFile::create(const char* path, bool overwrite,
                                                       const Syscalls& sys) {
  DCF_ASSIGN(Place place, find_place(path, overwrite, sys));
  const mode_t mode = place.mode;
  const bool replaces = place.replaces;
  std::unique_ptr<AtomicFile> file(new AtomicFile(sys, std::move(place), overwrite));
  DCF_ASSIGN(TempFile temp, make_temp_file(sys, file->dir_.get(), mode));
  file->file_ = std::move(temp.file);
  file->temp_name_ = std::move(temp.name);
  // The umask may have cut what the replaced file allows.
  if (replaces && retry_interrupted([&] { return sys.fchmod(file->file_.get(), mode); }) != 0) {
    return errno_status(Code::IoOpen, errno);
  }
  return file;
}

AtomicFile::~AtomicFile() {
  file_.reset();
  if (!temp_name_.empty()) remove_temp();
}

Status AtomicFile::append(Bytes bytes) {
  DCF_TRY(failure_);
  failure_ = write_fully(sys_, file_.get(), bytes.data(), bytes.size());
  DCF_TRY(failure_);
  written_ += bytes.size();
  if (written_ - flushing_ >= kFlushAhead) {
    begin_flush(file_.get(), flushing_, written_ - flushing_);
    flushing_ = written_;
  }
  return ok_status();
}

Status AtomicFile::patch(uint64_t offset, Bytes bytes) {
  if (failure_.ok()) {
    failure_ = pwrite_fully(sys_, file_.get(), offset, bytes.data(), bytes.size());
  }
  return failure_;
}

Status AtomicFile::commit() {
  DCF_TRY(failure_);
  failure_ = fail(Code::BadState, "", "the output file is finished already");
  if (retry_interrupted([&] { return sys_.fsync(file_.get()); }) != 0) {
    return errno_status(Code::IoSync, errno);
  }
  DCF_TRY(put_in_place());
  // Some file systems cannot flush a directory; then nothing more can be done.
  if (retry_interrupted([&] { return sys_.fsync(dir_.get()); }) != 0 && errno != EINVAL) {
    return errno_status(Code::IoSync, errno);
  }
  return ok_status();
}

Status AtomicFile::put_in_place() {
  if (temp_name_.empty()) {
    // A link never replaces; where it succeeds there was no other name at any time.
    const int error = link_anonymous(name_);
    if (error == 0) return ok_status();
    if (error != EEXIST) return errno_status(Code::IoRename, error);
    if (!overwrite_) return exists_already();
    std::string name = random_temp_name();
    if (const int e = link_anonymous(name); e != 0) return errno_status(Code::IoRename, e);
    temp_name_ = std::move(name);
  }
  // Network file systems may report a failed write no earlier than here. An interrupted close has
  // closed all the same.
  if (sys_.close(file_.release()) != 0 && errno != EINTR) {
    return errno_status(Code::IoWrite, errno);
  }
  return rename_temp();
}

int AtomicFile::link_anonymous(const std::string& name) {
  const std::string self = "/proc/self/fd/" + std::to_string(file_.get());
  const int rc = retry_interrupted([&] {
    return sys_.linkat(AT_FDCWD, self.c_str(), dir_.get(), name.c_str(), AT_SYMLINK_FOLLOW);
  });
  return rc == 0 ? 0 : errno;
}

Status AtomicFile::rename_temp() {
  const unsigned flags = overwrite_ ? 0 : RENAME_NOREPLACE;
  int rc = retry_interrupted([&] {
    return sys_.renameat2(dir_.get(), temp_name_.c_str(), dir_.get(), name_.c_str(), flags);
  });
  if (rc == 0) {
    temp_name_.clear();
    return ok_status();
  }
  // The file system does not know the flag. A hard link does not replace a file either.
  if (!overwrite_ && (errno == EINVAL || errno == ENOSYS)) {
    rc = retry_interrupted(
        [&] { return sys_.linkat(dir_.get(), temp_name_.c_str(), dir_.get(), name_.c_str(), 0); });
    if (rc == 0) {
      remove_temp();
      return ok_status();
    }
  }
  return errno == EEXIST ? exists_already() : errno_status(Code::IoRename, errno);
}

void AtomicFile::remove_temp() {
  const int rc =
      retry_interrupted([&] { return sys_.unlinkat(dir_.get(), temp_name_.c_str(), 0); });
  if (rc == 0) temp_name_.clear();  // otherwise the destructor tries once more
}

}  // namespace dcf::impl::io
