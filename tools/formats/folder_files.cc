// SPDX-License-Identifier: Apache-2.0
#include "formats/folder_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "formats/beneath.h"
#include "formats/error.h"
#include "formats/hub_cache.h"
#include "formats/text.h"
#include "io/syscalls.h"

namespace dcf::tools {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFolderFiles = 1000;
constexpr int kMaxLevels = 3;  // of subfolders

class Lister {
 public:
  explicit Lister(const std::string& path)
      : path_(path),
        fd_(impl::io::system_calls(),
            ::open(path.empty() ? "." : path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}

  FolderFiles run() {
    visit(path_.empty() ? fs::path(".") : fs::path(path_), "", 0);
    if (hidden_ > 0) {
      result_.left_out.push_back(
          "left out: " + std::to_string(hidden_) +
          (hidden_ == 1 ? " hidden file or folder" : " hidden files or folders"));
    }
    std::sort(result_.files.begin(), result_.files.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return std::move(result_);
  }

 private:
  void visit(const fs::path& folder, const std::string& prefix, int level) {
    std::error_code error;
    fs::directory_iterator it(folder, error);
    for (; !error && it != fs::directory_iterator(); it.increment(error)) {
      const std::string name = it->path().filename().string();
      if (name.starts_with('.')) {
        ++hidden_;
      } else {
        add(*it, prefix + name, level);
      }
      if (++seen_ > kMaxFolderFiles) {
        throw_failure(path_, "is a folder of more than " + std::to_string(kMaxFolderFiles) +
                                 " files; name the model's main file instead");
      }
    }
    if (error) {
      throw_failure(quote(folder.string()), "is a folder that cannot be read: " + error.message());
    }
  }

  void add(const fs::directory_entry& entry, const std::string& name, int level) {
    std::error_code error;
    const fs::file_type type = entry.symlink_status(error).type();
    if (!is_portable_path(name) || !is_utf8(name)) {
      leave_out(name, "has a name that no output is given");
    } else if (type == fs::file_type::directory) {
      if (level == kMaxLevels) return leave_out(name, "lies too deep");
      visit(entry.path(), name + "/", level + 1);
    } else if (type == fs::file_type::symlink) {
      add_link(name);
    } else if (type != fs::file_type::regular) {
      leave_out(name, "is no regular file");
    } else {
      const uint64_t bytes = entry.file_size(error);
      if (error) throw_failure(quote(entry.path().string()), "cannot be read: " + error.message());
      result_.files.push_back({.name = name, .bytes = bytes});
    }
  }

  void add_link(const std::string& name) {
    const impl::io::UniqueFd blob(impl::io::system_calls(), open_hub_blob(fd_.get(), name));
    struct stat info {};
    if (!blob.valid() || ::fstat(blob.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
      return leave_out(name, "is a symbolic link");
    }
    result_.files.push_back({.name = name, .bytes = static_cast<uint64_t>(info.st_size)});
  }

  void leave_out(const std::string& name, const char* reason) {
    result_.left_out.push_back("left out: " + quote(name) + " " + reason);
  }

  const std::string& path_;
  const impl::io::UniqueFd fd_;  // of the folder
  FolderFiles result_;
  size_t seen_ = 0;
  size_t hidden_ = 0;
};

}  // namespace

FolderFiles list_folder(const std::string& path) {
  return Lister(path).run();
}

}  // namespace dcf::tools
