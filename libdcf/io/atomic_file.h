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

namespace dcf::impl {

class AtomicFile final : public Sink {
 public:
  // Without `overwrite` an existing output is FileExists here and, if it appears later, in
  // commit().
  static Result<std::unique_ptr<AtomicFile>> create(const char* path, bool overwrite,
                                                    const Syscalls& sys = system_calls());
  // What create() would say of the path, as far as that can be told without making a file.
  static Status check(const char* path, bool overwrite, const Syscalls& sys = system_calls());
  // Without a successful commit() the path is as it was and the temporary file is gone.
  ~AtomicFile() override;

  // IoWrite or IoNoSpace. A failure is final: commit() then returns it too.
  Status append(Bytes bytes) override;
  // Replaces bytes that were appended before, as append() fails.
  Status patch(uint64_t offset, Bytes bytes);

  // Whether the temporary file has a name, so that a process that is killed leaves it behind.
  bool has_temporary_name() const { return !temp_name_.empty(); }

  // Flush, then put in place; callable once. Any failure leaves the path as it was, but for the
  // last step: IoSync of the directory means that the new file is there, though a power cut may
  // undo it.
  Status commit();

 private:
  // Where an output goes, and with which permissions.
  struct Place {
    UniqueFd dir;
    std::string name;  // in dir
    mode_t mode = 0666;
    bool replaces = false;  // a regular file, whose mode `mode` is
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
  UniqueFd dir_;      // of the output
  std::string name_;  // of the output in dir_
  bool overwrite_;
  UniqueFd file_;
  std::string temp_name_;  // in dir_; empty: the temporary file has no name
  Status failure_;
};

}  // namespace dcf::impl
