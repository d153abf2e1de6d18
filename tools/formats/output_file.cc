// SPDX-License-Identifier: Apache-2.0
#include "formats/output_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "formats/error.h"

namespace dcf::tools {
namespace {

constexpr size_t kBufferBytes = size_t{256} << 10;
constexpr mode_t kNewFileMode = 0666;  // less the umask

// Hidden, and different for every attempt. The long name of the output is cut to leave room.
std::string random_temp_name(const std::string& name) {
  std::array<uint8_t, 8> random{};
  if (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    throw_failure(name, "cannot be written: the system has no random numbers");
  }
  constexpr size_t kDecoration = 1 + 1 + 2 * random.size() + 4;
  std::string temp = "." + name.substr(0, NAME_MAX - kDecoration) + ".";
  constexpr char kHex[] = "0123456789abcdef";
  for (const uint8_t byte : random) {
    temp += kHex[byte >> 4];
    temp += kHex[byte & 15];
  }
  return temp + ".tmp";
}

}  // namespace

OutputFile::OutputFile(std::string path, bool overwrite)
    : path_(std::move(path)), overwrite_(overwrite) {
  buffer_.reserve(kBufferBytes);
  if (path_ == "-") {
    open_stdout();
  } else {
    open_temp(overwrite);
  }
}

OutputFile::~OutputFile() {
  if (!temp_name_.empty()) unlinkat(directory_.get(), temp_name_.c_str(), 0);
}

void OutputFile::fail(const char* action, int error) const {
  const std::string file = is_stdout_ ? "standard output" : path_;
  if (error == ENOSPC) throw_failure(file, "cannot be written: no space is left on the device");
  if (error == EDQUOT) throw_failure(file, "cannot be written: the disk quota is used up");
  throw_failure(file, std::string(action) + ": " + std::generic_category().message(error));
}

void OutputFile::open_stdout() {
  is_stdout_ = true;
  if (isatty(STDOUT_FILENO) == 1) {
    throw_failure("standard output", "is a terminal, to which no model is written; redirect it");
  }
  fd_ = UniqueFd(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  if (!fd_.valid()) fail("cannot be written", errno);
}

void OutputFile::open_temp(bool overwrite) {
  const std::filesystem::path path(path_);
  name_ = path.filename().string();
  if (name_.empty() || name_ == "." || name_ == "..") {
    throw_failure(path_, "names a directory, not a file to write");
  }
  const std::string parent = path.has_parent_path() ? path.parent_path().string() : ".";
  directory_ = UniqueFd(open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory_.valid()) fail("cannot be written, its directory cannot be opened", errno);

  struct stat existing {};
  if (fstatat(directory_.get(), name_.c_str(), &existing, 0) == 0) {
    if (S_ISDIR(existing.st_mode)) throw_failure(path_, "is a directory");
    if (!S_ISREG(existing.st_mode)) {
      throw_failure(path_, "is not a regular file and cannot be replaced; use - for a stream");
    }
    if (!overwrite) throw_failure(path_, "exists already and is not overwritten");
  }
  while (!fd_.valid()) {
    const std::string temp = random_temp_name(name_);
    registration_ = std::make_unique<TempRegistration>(directory_.get(), temp);
    fd_ = UniqueFd(openat(directory_.get(), temp.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                          kNewFileMode));
    if (fd_.valid()) {
      temp_name_ = temp;
    } else if (errno != EEXIST) {
      fail("cannot be written", errno);
    }
  }
}

void OutputFile::write_all(const uint8_t* data, size_t size) {
  while (size > 0) {
    const ssize_t done = ::write(fd_.get(), data, size);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("cannot be written", errno);
    data += done;
    size -= static_cast<size_t>(done);
  }
}

void OutputFile::flush() {
  write_all(buffer_.data(), buffer_.size());
  buffer_.clear();
}

void OutputFile::write(std::span<const uint8_t> bytes) {
  if (bytes.size() > kBufferBytes - buffer_.size()) flush();
  if (bytes.size() > kBufferBytes) {
    write_all(bytes.data(), bytes.size());
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
  position_ += bytes.size();
}

void OutputFile::patch(uint64_t offset, std::span<const uint8_t> bytes) {
  flush();
  while (!bytes.empty()) {
    const ssize_t done = pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("cannot be written", errno);
    offset += static_cast<uint64_t>(done);
    bytes = bytes.subspan(static_cast<size_t>(done));
  }
}

// With `overwrite` rename() replaces; without it the file system itself refuses to.
void OutputFile::publish() {
  const int directory = directory_.get();
  const char* const temp = temp_name_.c_str();
  if (overwrite_) {
    if (renameat(directory, temp, directory, name_.c_str()) != 0)
      fail("cannot be put in place", errno);
    temp_name_.clear();
    return;
  }
  int error = 0;
  if (renameat2(directory, temp, directory, name_.c_str(), RENAME_NOREPLACE) == 0) {
    temp_name_.clear();
    return;
  }
  error = errno;
  if (error == EINVAL || error == ENOSYS) {
    // File systems without RENAME_NOREPLACE. The destructor removes the temporary name.
    if (linkat(directory, temp, directory, name_.c_str(), 0) == 0) return;
    error = errno;
  }
  if (error == EEXIST) throw_failure(path_, "exists already and is not overwritten");
  fail("cannot be put in place", error);
}

void OutputFile::commit() {
  flush();
  if (is_stdout_) return;
  if (fsync(fd_.get()) != 0) fail("cannot be flushed to the disk", errno);
  publish();
  // Some file systems cannot flush a directory and say EINVAL; the file itself is safe.
  if (fsync(directory_.get()) != 0 && errno != EINVAL) {
    fail("may not be on the disk, its directory cannot be flushed", errno);
  }
}

}  // namespace dcf::tools
