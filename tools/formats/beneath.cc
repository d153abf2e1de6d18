// SPDX-License-Identifier: Apache-2.0
#include "formats/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "formats/error.h"
#include "formats/hub_cache.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

// O_NONBLOCK: opening a FIFO must not wait for a writer; InputFile refuses it.
constexpr int kFileFlags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW;
constexpr int kFolderFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;

}  // namespace

bool is_plain_path(const std::string& name) {
  bool plain = name.find('\0') == std::string::npos;
  for (size_t begin = 0; plain && begin <= name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    const std::string component = name.substr(begin, end - begin);
    plain = !component.empty() && component != "." && component != "..";
    begin = end + 1;
  }
  return plain;
}

bool is_portable_path(const std::string& name) {
  constexpr size_t kMaxComponentBytes = 255;
  constexpr size_t kMaxComponents = 16;
  size_t component_bytes = 0;
  size_t components = 1;
  for (const char c : name) {
    if (component_bytes == 0 && c == '.') return false;
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\' || c == ':') return false;
    component_bytes = c == '/' ? 0 : component_bytes + 1;
    components += c == '/' ? 1 : 0;
    if (component_bytes > kMaxComponentBytes || components > kMaxComponents) return false;
  }
  return is_plain_path(name);
}

std::string portable_file_name(const std::string& path, const std::string& otherwise) {
  const std::string name = path.substr(path.rfind('/') + 1);
  return is_portable_path(name) && is_utf8(name) ? name : otherwise;
}

int open_beneath_at_once(int directory, const std::string& name) {
  open_how how{};
  how.flags = kFileFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(impl::io::retry_interrupted(
      [&] { return syscall(SYS_openat2, directory, name.c_str(), &how, sizeof how); }));
}

int open_beneath_by_component(int directory, const std::string& name) {
  const impl::io::Syscalls& sys = impl::io::system_calls();
  impl::io::UniqueFd parent;
  int at = directory;
  size_t begin = 0;
  for (size_t end = name.find('/'); end != std::string::npos; end = name.find('/', begin)) {
    const std::string component = name.substr(begin, end - begin);
    impl::io::UniqueFd child(sys, openat(at, component.c_str(), kFolderFlags | O_NOFOLLOW));
    if (!child.valid()) {
      // O_DIRECTORY takes a link for something that is no directory.
      struct stat info {};
      if (errno == ENOTDIR && fstatat(at, component.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
          S_ISLNK(info.st_mode)) {
        errno = ELOOP;
      }
      return -1;
    }
    parent = std::move(child);
    at = parent.get();
    begin = end + 1;
  }
  return openat(at, name.c_str() + begin, kFileFlags);
}

Folder::Folder(const std::string& path, const std::string& names) : path_(path), names_(names) {
  const impl::io::Syscalls& sys = impl::io::system_calls();
  fd_ = impl::io::UniqueFd(sys, ::open(path_.empty() ? "." : path_.c_str(), kFolderFlags));
  if (!fd_.valid()) throw_failure(path_, "is a folder that cannot be opened");
}

InputFile Folder::open(const std::string& name) const {
  if (!is_plain_path(name)) {
    throw_invalid(names_, "names the file " + quote(name) +
                              ", which is not a plain path below the model's directory");
  }
  const std::string full = quote(path_.empty() ? name : path_ + "/" + name);
  int fd = open_beneath_at_once(fd_.get(), name);
  if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
    fd = open_beneath_by_component(fd_.get(), name);
  }
  if (fd < 0 && errno == ELOOP) fd = open_hub_blob(fd_.get(), name);
  const int error = errno;
  if (fd < 0 && error == ELOOP) {
    throw_invalid(full, "is a symbolic link or lies behind one, which is not followed");
  }
  return InputFile(full, impl::io::UniqueFd(impl::io::system_calls(), fd), error);
}

}  // namespace dcf::tools
