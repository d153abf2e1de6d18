// SPDX-License-Identifier: Apache-2.0
#include "formats/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "formats/error.h"

namespace dcf::tools {
namespace {

std::string errno_text(int error) {
  return std::generic_category().message(error);
}

}  // namespace

InputFile::InputFile(std::string path) : path_(std::move(path)) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer; it is refused below.
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  fd_ = impl::io::UniqueFd(impl::io::system_calls(), open(path_.c_str(), kFlags));
  examine(errno);
}

InputFile::InputFile(std::string name, impl::io::UniqueFd fd, int error)
    : path_(std::move(name)), fd_(std::move(fd)) {
  examine(error);
}

void InputFile::examine(int error) {
  if (!fd_.valid()) {
    if (error == ENOENT) throw_failure(path_, "there is no such file", error);
    if (error == EACCES) throw_failure(path_, "no permission to read this file", error);
    throw_failure(path_, "cannot be opened: " + errno_text(error), error);
  }
  struct stat info {};
  if (fstat(fd_.get(), &info) != 0) {
    error = errno;
    throw_failure(path_, "cannot be examined: " + errno_text(error), error);
  }
  if (S_ISDIR(info.st_mode)) throw_failure(path_, "is a directory, not a model file", EISDIR);
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
  const impl::Status status =
      impl::io::pread_fully(impl::io::system_calls(), fd_.get(), offset, out.data(), out.size());
  if (status.ok()) return;
  throw_failure(path_, std::string("cannot be read: ") + status.message, status.system_error);
}

std::vector<uint8_t> InputFile::read_range(uint64_t offset, uint64_t size) const {
  check_range(offset, size);
  std::vector<uint8_t> bytes(size);
  read_at(offset, bytes);
  return bytes;
}

}  // namespace dcf::tools
