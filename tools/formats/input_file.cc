// SPDX-License-Identifier: Apache-2.0
#include "formats/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "formats/le_bytes.h"
#include "formats/error.h"

namespace dcf::tools {
namespace {

std::string errno_text(int error) {
  return std::generic_category().message(error);
}

}  // namespace

InputFile::InputFile(std::string path) : path_(std::move(path)) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer; it is refused below.
  fd_ = UniqueFd(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd_.valid()) {
    if (errno == ENOENT) throw_failure(path_, "there is no such file");
    if (errno == EACCES) throw_failure(path_, "no permission to read this file");
    throw_failure(path_, "cannot be opened: " + errno_text(errno));
  }
  struct stat info {};
  if (fstat(fd_.get(), &info) != 0) {
    throw_failure(path_, "cannot be examined: " + errno_text(errno));
  }
  if (S_ISDIR(info.st_mode)) throw_failure(path_, "is a directory, not a model file");
  if (!S_ISREG(info.st_mode)) throw_failure(path_, "is not a regular file");
  size_ = static_cast<uint64_t>(info.st_size);
}

void InputFile::check_range(uint64_t offset, uint64_t size) const {
  uint64_t end = 0;
  if (__builtin_add_overflow(offset, size, &end) || end > size_) {
    throw_invalid(path_, "is cut off: it ends before byte " + std::to_string(offset) + " + " +
                             std::to_string(size));
  }
}

void InputFile::read_at(uint64_t offset, std::span<uint8_t> out) const {
  check_range(offset, out.size());
  while (!out.empty()) {
    constexpr size_t kMaxRead = size_t{1} << 30;
    const ssize_t got =
        pread(fd_.get(), out.data(), std::min(out.size(), kMaxRead), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_failure(path_, "cannot be read: " + errno_text(errno));
    if (got == 0) throw_failure(path_, "became shorter while it was read");
    offset += static_cast<uint64_t>(got);
    out = out.subspan(static_cast<size_t>(got));
  }
}

std::vector<uint8_t> InputFile::read_range(uint64_t offset, uint64_t size) const {
  check_range(offset, size);
  std::vector<uint8_t> bytes = make_buffer(path_, size);
  read_at(offset, bytes);
  return bytes;
}

}  // namespace dcf::tools
