// SPDX-License-Identifier: Apache-2.0
// Files that a stranger's file names: they must lie in a folder, and nothing may lead out of it.
#pragma once

#include <memory>
#include <string>

#include "formats/input_file.h"

namespace dcf::tools {

// Whether no component of `name`, separated by '/', is empty, "." or "..".
bool is_plain_path(const std::string& name);
// Whether `name`, moreover, is a name that may be given to an output: it has at most 16 components,
// and none starts with '.', is longer than 255 bytes or holds a character that some system's paths
// treat otherwise.
bool is_portable_path(const std::string& name);
// The last component of `path`, or `otherwise` where that is not portable.
std::string portable_file_name(const std::string& path, const std::string& otherwise);

// A folder, open while this lives. Const members may run on several threads at once.
class Folder {
 public:
  // `names` is the path of the file that names the others, for messages. Throws Error. The path ""
  // is the current directory.
  Folder(const std::string& path, const std::string& names);

  // Opens the regular file `name`, whose components are separated by '/', in the folder or below
  // it. Throws Error if a component is empty, "." or "..", or is a symbolic link that is none of a
  // hub's cache (hub_cache.h).
  InputFile open(const std::string& name) const;

 private:
  std::string path_;
  std::string names_;
  impl::io::UniqueFd fd_;
};

// The two ways in which Folder opens. Each returns a descriptor, or -1 and errno; a symbolic link
// anywhere is ELOOP. The first needs Linux 5.6 (ENOSYS before, EPERM in some sandboxes).
int open_beneath_at_once(int directory, const std::string& name);
int open_beneath_by_component(int directory, const std::string& name);

}  // namespace dcf::tools
