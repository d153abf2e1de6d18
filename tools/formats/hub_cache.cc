// SPDX-License-Identifier: Apache-2.0
#include "formats/hub_cache.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "io/syscalls.h"

namespace dcf::tools {
namespace {

constexpr int kHubFlags = O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;

impl::io::UniqueFd open_folder(int at, const char* name) {
  return {impl::io::system_calls(), ::openat(at, name, kHubFlags)};
}

bool are_same(const impl::io::UniqueFd& a, const impl::io::UniqueFd& b) {
  struct stat first {};
  struct stat second {};
  return a.valid() && b.valid() && ::fstat(a.get(), &first) == 0 &&
         ::fstat(b.get(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

// The hash that the link's target ends in, or "" where the target is not the blob of a snapshot
// whose file lies `depth` folders below it.
std::string hash_of(std::string_view target, size_t depth) {
  for (size_t i = 0; i < depth + 2; ++i) {
    if (!target.starts_with("../")) return "";
    target.remove_prefix(3);
  }
  constexpr std::string_view kBlobs = "blobs/";
  if (!target.starts_with(kBlobs)) return "";
  target.remove_prefix(kBlobs.size());
  const bool is_hash = (target.size() == 40 || target.size() == 64) &&  // SHA-1, SHA-256
                       std::all_of(target.begin(), target.end(), [](char c) {
                         return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                       });
  return is_hash ? std::string(target) : "";
}

int refused() {
  errno = ELOOP;
  return -1;
}

}  // namespace

int open_hub_blob(int folder, const std::string& name) {
  // The folder that holds the link, reached without following any.
  impl::io::UniqueFd parent = open_folder(folder, ".");
  size_t depth = 0;
  size_t begin = 0;
  for (size_t end = name.find('/'); end != std::string::npos; end = name.find('/', begin)) {
    parent = open_folder(parent.get(), name.substr(begin, end - begin).c_str());
    if (!parent.valid()) return refused();
    begin = end + 1;
    ++depth;
  }
  char target[PATH_MAX];
  const ssize_t size = ::readlinkat(parent.get(), name.c_str() + begin, target, sizeof target);
  if (size < 0) return refused();
  const std::string hash = hash_of({target, static_cast<size_t>(size)}, depth);
  if (hash.empty()) return refused();

  const impl::io::UniqueFd snapshots = open_folder(folder, "..");
  const impl::io::UniqueFd repository = open_folder(folder, "../..");
  if (!are_same(snapshots, open_folder(repository.get(), "snapshots"))) return refused();
  const impl::io::UniqueFd blobs = open_folder(repository.get(), "blobs");
  if (!blobs.valid()) return refused();
  return ::openat(blobs.get(), hash.c_str(),
                  O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
}

}  // namespace dcf::tools
