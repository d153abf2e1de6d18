// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "formats/temp_registry.h"
#include "formats/unique_fd.h"

namespace dcf::tools {

// An output that appears under its name whole or not at all: it is written to a temporary file in
// the same directory, flushed to the disk, and renamed. The path "-" is standard output, which
// can neither be patched nor taken back.
class OutputFile {
 public:
  // Throws Error where the output cannot be made, or exists and `overwrite` is false (which
  // commit() checks again, without a race).
  OutputFile(std::string path, bool overwrite);
  // Without commit() nothing stays behind.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  const std::string& path() const { return path_; }
  // Bytes written so far.
  uint64_t position() const { return position_; }
  void write(std::span<const uint8_t> bytes);
  void commit();

  bool can_patch() const { return !is_stdout_; }
  // Replaces bytes that were written before.
  void patch(uint64_t offset, std::span<const uint8_t> bytes);

 private:
  void open_stdout();
  void open_temp(bool overwrite);
  void flush();
  void publish();
  void write_all(const uint8_t* data, size_t size);
  [[noreturn]] void fail(const char* action, int error) const;

  std::string path_;
  bool overwrite_;
  bool is_stdout_ = false;
  std::string name_;       // last component of path_
  std::string temp_name_;  // empty while there is no temporary file
  UniqueFd directory_;
  UniqueFd fd_;
  std::unique_ptr<TempRegistration> registration_;
  std::vector<uint8_t> buffer_;
  uint64_t position_ = 0;
};

}  // namespace dcf::tools
