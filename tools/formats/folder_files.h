// SPDX-License-Identifier: Apache-2.0
// The files of a folder that a model is carried with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dcf::tools {

struct FolderFiles {
  struct File {
    std::string name;  // a portable path (is_portable_path) relative to the folder
    uint64_t bytes = 0;
  };
  std::vector<File> files;            // sorted by name
  std::vector<std::string> left_out;  // by name with the reason, a sentence each
};

// The regular files in the folder and in its subfolders, three levels down. Links of a hub's cache
// (hub_cache.h) stand for the files they lead to. Other symbolic links, hidden files and names that
// no output is given are left out. Throws Error where
// the folder cannot be read or holds more than 1000 files.
FolderFiles list_folder(const std::string& path);

}  // namespace dcf::tools
