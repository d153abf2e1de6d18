// SPDX-License-Identifier: Apache-2.0
// An output file that appears whole, flushed to the disk, or not at all. The bytes go to a
// temporary file in the same directory, without a name where the file system allows it (a killed
// process then leaves nothing behind); commit() gives it the name. Belongs to one thread at a time.
//
//  - A symbolic link at the path is followed: the file it leads to is replaced, the link stays. A
//    link that leads nowhere is an existing output; with `overwrite` it is itself replaced.
//  - A replaced file hands its permission bits on; a new one gets 0666 less the umask.
//  - Only regular files are replaced: a directory or a device at the path is refused.
#pragma once

#include <memory>
#include <string>

#include "io/sink.h"
#include "io/syscalls.h"

namespace dcf::impl::io {

class AtomicFile final : public Sink {
 public:
  // Without `overwrite` an existing output is FileExists here and, if it appears later, in
  // commit().
  static Result<std::unique_ptr<AtomicFile>> create(const char* path, bool overwrite,
                                                    const Syscalls& sys = system_calls());
  // What create() would return for the path, as far as that is known without making a file.
  static Status check(const char* path, bool overwrite, const Syscalls& sys = system_calls());
  // Without a successful commit() the path is as it was and the temporary file is gone.
  ~AtomicFile() override;

  // IoWrite or IoNoSpace. A failure is final: commit() then returns it too.
  Status append(Bytes bytes) override;
  // Replaces bytes that were appended before. Fails as append() does.
  Status patch(uint64_t offset, Bytes bytes);

  // Whether the temporary file has a name. If so, it remains when the process is killed.
  bool has_temporary_name() const { return !temp_name_.empty(); }

  // Flushes the file, then puts it in place; callable once. After a failure the path is as it was,
  // with one exception: IoSync of the directory, the last step, means that the new file is in place
  // but a power cut may undo it.
  Status commit();

 private:
  // Where an output goes, and with which permissions.
  struct Place {
    UniqueFd dir;
    std::string name;  // in dir
    mode_t mode = 0666;
    bool replaces = false;  // there is a regular file; `mode` is its mode
  };
  static Result<Place> find_place(const char* path, bool overwrite, const Syscalls& sys);

  AtomicFile(const Syscalls& sys, Place place, bool overwrite)
      : sys_(sys),
        dir_(std::move(place.dir)),
        name_(std::move(place.name)),
        overwrite_(overwrite) {}
  Status put_in_place();
  int link_anonymous(const std::string& name);  // 0 or errno
  Status rename_temp();
  void remove_temp();

  const Syscalls& sys_;
  UniqueFd dir_;      // the directory of the output
  std::string name_;  // the name of the output in dir_
  bool overwrite_;
  UniqueFd file_;
  std::string temp_name_;  // in dir_; empty: the temporary file has no name
  uint64_t written_ = 0;   // bytes appended ...
  uint64_t flushing_ = 0;  // ... and how many of them the disk was told of
  Status failure_;
};

}  // namespace dcf::impl::io
