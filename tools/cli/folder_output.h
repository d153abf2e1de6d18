// SPDX-License-Identifier: Apache-2.0
// Several output files that appear together or not at all. They are written to a temporary folder
// first, so a process that is killed (SIGKILL) leaves that behind; other signals are deferred.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "formats/output_file.h"
#include "io/syscalls.h"

namespace dcf::tools {

// Belongs to one thread at a time. All members but the destructor throw Error.
class FolderOutput {
 public:
  // `names` are portable paths (is_portable_path) of distinct files, none of which lies below
  // another; they go below `folder`, which is made where it is missing. Without `overwrite` none of
  // them may exist; with it, only regular files are replaced. Below `folder` no link is followed.
  FolderOutput(const std::string& folder, std::vector<std::string> names, bool overwrite);
  // Without commit() everything is as it was.
  ~FolderOutput();
  FolderOutput(const FolderOutput&) = delete;
  FolderOutput& operator=(const FolderOutput&) = delete;

  // A file to write and commit; `name` is one of the names.
  std::unique_ptr<OutputFile> create(const std::string& name);
  // Puts all files in place, the first name last. After a failure those already in place are taken
  // back.
  void commit();

 private:
  struct Moved {
    std::string name;
    bool exchanged = false;  // the file before is in the temporary folder
  };
  [[noreturn]] void fail(const std::string& name, int error) const;
  impl::io::UniqueFd open_parent(const std::string& name, bool make);
  void require_absent(const std::string& name);
  void move(const std::string& name);
  void take_back() noexcept;

  std::string folder_;
  std::vector<std::string> names_;
  bool overwrite_;
  std::string temp_;         // path of the temporary folder
  impl::io::UniqueFd root_;  // the folder; none where it is to be made
  std::vector<Moved> moved_;
  std::vector<std::string> made_;  // folders below folder_
};

}  // namespace dcf::tools
