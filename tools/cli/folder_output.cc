// SPDX-License-Identifier: Apache-2.0
#include "cli/folder_output.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "cli/signals.h"
#include "formats/dcf_error.h"
#include "formats/error.h"
#include "formats/output_file.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr int kFolderFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// renameat2() where the system and the file system have it, else `errno` is ENOSYS or EINVAL.
int rename_with(int from, const std::string& from_name, int to, const std::string& to_name,
                unsigned flags) {
  return impl::io::system_calls().renameat2(from, from_name.c_str(), to, to_name.c_str(), flags);
}

// Never replaces anything.
int move_file(const std::string& from, int to, const std::string& to_name) {
  if (rename_with(AT_FDCWD, from, to, to_name, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  if (linkat(AT_FDCWD, from.c_str(), to, to_name.c_str(), 0) != 0) return -1;
  return unlink(from.c_str());
}

// A folder that does not end in '/', so that it has a name.
std::string without_slash(std::string folder) {
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  return folder.empty() ? "." : folder;
}

}  // namespace

FolderOutput::FolderOutput(const std::string& folder, std::vector<std::string> names,
                           bool overwrite)
    : folder_(without_slash(folder)), names_(std::move(names)), overwrite_(overwrite) {
  const impl::io::Syscalls& sys = impl::io::system_calls();
  root_ = impl::io::UniqueFd(sys, open(folder_.c_str(), kFolderFlags));
  if (!root_.valid() && errno != ENOENT) fail(folder_, errno);
  if (root_.valid() && !overwrite_) {
    for (const std::string& name : names_) require_absent(name);
  }
  const std::filesystem::path parent = std::filesystem::path(folder_).parent_path();
  std::string pattern = root_.valid() ? folder_ + "/.dcf-XXXXXX"
                                      : (parent / ("." + base_name(folder_) + "-XXXXXX")).string();
  const SignalsBlocked no_signal_before_it_is_known_what_to_do;
  if (mkdtemp(pattern.data()) == nullptr) fail(folder_, errno);
  temp_ = std::move(pattern);
  defer_fatal_signals();
}

FolderOutput::~FolderOutput() {
  take_back();
  std::error_code ignored;
  try {
    if (!temp_.empty()) std::filesystem::remove_all(temp_, ignored);
  } catch (const std::bad_alloc&) {  // the folder stays
  }
}

void FolderOutput::fail(const std::string& name, int error) const {
  if (error == EEXIST) {
    throw DcfError({.status = DCF_STATUS_FILE_EXISTS,
                    .sentence = quote(name) + ": exists already (-f replaces it)",
                    .system_error = error});
  }
  const std::string why = error == ELOOP || error == ENOTDIR
                              ? "a part of its path is a link or no folder"
                              : std::generic_category().message(error);
  throw_failure(quote(name),
                "cannot be written: " + why + (error == ENOENT ? missing_folder(name) : ""), error);
}

// The folder in which `name` lies, open; none where it is missing.
impl::io::UniqueFd FolderOutput::open_parent(const std::string& name, bool make) {
  const impl::io::Syscalls& sys = impl::io::system_calls();
  impl::io::UniqueFd at(sys, openat(root_.get(), ".", kFolderFlags));
  size_t begin = 0;
  for (size_t end = name.find('/'); end != std::string::npos; end = name.find('/', begin)) {
    const std::string component = name.substr(begin, end - begin);
    if (make && mkdirat(at.get(), component.c_str(), 0777) == 0) {
      made_.push_back(name.substr(0, end));
    }
    impl::io::UniqueFd child(sys, openat(at.get(), component.c_str(), kFolderFlags | O_NOFOLLOW));
    if (!child.valid()) {
      if (errno == ENOENT && !make) return {};
      fail(folder_ + "/" + name, errno);
    }
    at = std::move(child);
    begin = end + 1;
  }
  return at;
}

void FolderOutput::require_absent(const std::string& name) {
  const impl::io::UniqueFd parent = open_parent(name, false);
  struct stat info {};
  if (!parent.valid()) return;
  if (fstatat(parent.get(), base_name(name).c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
    fail(folder_ + "/" + name, EEXIST);
  }
}

std::unique_ptr<OutputFile> FolderOutput::create(const std::string& name) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::path(temp_) / name;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) fail(folder_ + "/" + name, error.value());
  return std::make_unique<OutputFile>(path.string(), false);
}

void FolderOutput::move(const std::string& name) {
  const impl::io::UniqueFd parent = open_parent(name, true);
  const std::string from = temp_ + "/" + name;
  const std::string base = base_name(name);
  struct stat info {};
  const bool exists = fstatat(parent.get(), base.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
  if (exists && overwrite_ && !S_ISREG(info.st_mode)) {
    throw_failure(quote(folder_ + "/" + name), "is no regular file, which is not replaced");
  }
  moved_.push_back({.name = name, .exchanged = false});
  if (exists && overwrite_) {
    moved_.back().exchanged = true;
    if (rename_with(AT_FDCWD, from, parent.get(), base, RENAME_EXCHANGE) == 0) return;
    if (errno == EINVAL || errno == ENOSYS) {  // the file before cannot be kept
      moved_.pop_back();
      if (renameat(AT_FDCWD, from.c_str(), parent.get(), base.c_str()) == 0) return;
    } else {
      moved_.pop_back();
    }
  } else {
    if (move_file(from, parent.get(), base) == 0) return;
    moved_.pop_back();
  }
  fail(folder_ + "/" + name, errno);
}

void FolderOutput::commit() {
  throw_if_interrupted();
  if (!root_.valid()) {
    const mode_t mask = umask(0);
    umask(mask);
    if (chmod(temp_.c_str(), 0777 & ~mask) != 0) fail(folder_, errno);
    // Replaces an empty folder at most.
    if (rename(temp_.c_str(), folder_.c_str()) != 0) {
      fail(folder_, errno == ENOTEMPTY || errno == ENOTDIR ? EEXIST : errno);
    }
    temp_.clear();
    return;
  }
  for (size_t i = names_.size(); i > 0; --i) move(names_[i - 1]);
  moved_.clear();
  made_.clear();
}

void FolderOutput::take_back() noexcept {
  try {
    for (; !moved_.empty(); moved_.pop_back()) {
      const Moved& moved = moved_.back();
      const impl::io::UniqueFd parent = open_parent(moved.name, false);
      if (!parent.valid()) continue;
      const std::string base = base_name(moved.name);
      if (moved.exchanged) {
        rename_with(AT_FDCWD, temp_ + "/" + moved.name, parent.get(), base, RENAME_EXCHANGE);
      } else {
        unlinkat(parent.get(), base.c_str(), 0);
      }
    }
    for (; !made_.empty(); made_.pop_back()) {
      unlinkat(root_.get(), made_.back().c_str(), AT_REMOVEDIR);
    }
  } catch (...) {  // what is in place stays: nothing of the user's is lost by that
    moved_.clear();
  }
}

}  // namespace dcf::tools
