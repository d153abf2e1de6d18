// SPDX-License-Identifier: Apache-2.0
#include "formats/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "formats/dcf_error.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr size_t kBufferBytes = size_t{256} << 10;
constexpr const char* kStdout = "standard output";

void throw_unless_ok(const std::string& file, const impl::Status& status) {
  if (status.ok()) return;
  const bool exists = status.code == impl::Code::FileExists;
  const std::string hint = exists                          ? " (-f replaces it)"
                           : status.system_error == ENOENT ? missing_folder(file)
                                                           : "";
  throw DcfError({.status = static_cast<dcf_status>(status.code),
                  .sentence = file + ": " + status.message + hint,
                  .system_error = status.system_error});
}

std::unique_ptr<impl::io::Sink> open_stdout() {
  if (isatty(STDOUT_FILENO) == 1) {
    throw_failure(kStdout, "is a terminal, to which no model is written; redirect it");
  }
  const impl::io::Syscalls& sys = impl::io::system_calls();
  impl::io::UniqueFd fd(sys, fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  if (!fd.valid()) throw_unless_ok(kStdout, impl::io::errno_status(impl::Code::IoOpen, errno));
  return std::make_unique<impl::io::FdSink>(std::move(fd));
}

// realpath() resolves "." and ".." to the name of a directory; these would not exist yet.
void check_name(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (name.empty() || name == "." || name == "..") {
    throw_failure(quote(path), "names a directory, not a file to write", EISDIR);
  }
}

}  // namespace

std::string missing_folder(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  std::error_code error;
  if (parent.empty() || std::filesystem::exists(parent, error) || error) return "";
  return ": the folder " + quote(parent) + " must exist";
}

OutputFile::OutputFile(std::string path, bool overwrite) : path_(std::move(path)) {
  buffer_.reserve(kBufferBytes);
  if (path_ == "-") {
    path_ = kStdout;
    stream_ = open_stdout();
    return;
  }
  check_name(path_);
  auto file = impl::io::AtomicFile::create(path_.c_str(), overwrite);
  require(file.status());
  file_ = file.take();
}

void OutputFile::check(const std::string& path, bool overwrite) {
  if (path == "-") {
    open_stdout();
    return;
  }
  check_name(path);
  throw_unless_ok(path, impl::io::AtomicFile::check(path.c_str(), overwrite));
}

void OutputFile::require(const impl::Status& status) const {
  throw_unless_ok(path_, status);
}

void OutputFile::flush() {
  require(file_ ? file_->append(buffer_) : stream_->append(buffer_));
  buffer_.clear();
}

void OutputFile::write(std::span<const uint8_t> bytes) {
  if (bytes.size() > kBufferBytes - buffer_.size()) flush();
  if (bytes.size() > kBufferBytes) {
    require(file_ ? file_->append(bytes) : stream_->append(bytes));
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
  position_ += bytes.size();
  if (see_) see_(bytes);
}

void OutputFile::patch(uint64_t offset, std::span<const uint8_t> bytes) {
  flush();
  require(file_->patch(offset, bytes));
}

void OutputFile::commit() {
  flush();
  if (file_) require(file_->commit());
}

}  // namespace dcf::tools
