// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "io/atomic_file.h"

namespace dcf::tools {

// ": the folder 'x' must exist" where that of `path` does not, for the end of a message; else
// nothing.
std::string missing_folder(const std::string& path);

// An output that appears under its name whole or not at all (io/atomic_file.h says how), or
// standard output for the path "-", which can neither be patched nor taken back. Writes are
// buffered. Failures are DcfErrors that name the path. Belongs to one thread at a time.
class OutputFile {
 public:
  using See = std::function<void(std::span<const uint8_t> bytes)>;

  // Throws where the output cannot be made, or exists and `overwrite` is false (which commit()
  // checks again, without a race).
  OutputFile(std::string path, bool overwrite);
  // What the constructor would throw, as far as that can be told without making a file.
  static void check(const std::string& path, bool overwrite);

  const std::string& path() const { return path_; }
  // Bytes written so far.
  uint64_t position() const { return position_; }
  void write(std::span<const uint8_t> bytes);
  // `see` is shown all that is written from now on.
  void show_to(See see) { see_ = std::move(see); }
  // Without commit() nothing stays behind.
  void commit();

  bool can_patch() const { return file_ != nullptr; }
  // Replaces bytes that were written before.
  void patch(uint64_t offset, std::span<const uint8_t> bytes);

  // Whether a process that is killed before commit() leaves a temporary file behind: only on file
  // systems without nameless files. Ends with the destructor otherwise.
  bool leaves_file_when_killed() const { return file_ && file_->has_temporary_name(); }

 private:
  void flush();
  void require(const impl::Status& status) const;

  std::string path_;
  See see_;  // may be empty
  std::vector<uint8_t> buffer_;
  uint64_t position_ = 0;
  std::unique_ptr<impl::io::AtomicFile> file_;  // null for standard output
  std::unique_ptr<impl::io::Sink> stream_;      // null for a file
};

}  // namespace dcf::tools
