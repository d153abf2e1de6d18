// SPDX-License-Identifier: Apache-2.0
// Binary headers of strangers, read from front to end.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "formats/input_file.h"
#include "formats/le_bytes.h"

namespace dcf::tools {

// A position in a file. Holds a buffer of fixed size, whatever the file says. Borrows the file;
// belongs to one thread at a time. All members throw Error where the file ends too early, saying
// that it ends inside `what`.
class FileCursor {
 public:
  FileCursor(const InputFile& file, std::string what);

  // In bytes from the start of the file.
  uint64_t position() const { return position_; }
  uint64_t left() const { return file_.size() - position_; }

  template <std::unsigned_integral T>
  T number() {
    std::array<uint8_t, sizeof(T)> bytes{};
    read(bytes);
    return load_le<T>(bytes.data());
  }
  void read(std::span<uint8_t> out);
  // The caller has checked `bytes` against a limit of its own.
  std::string text(uint64_t bytes);
  void skip(uint64_t bytes);
  // Throws unless `count` items of at least `least_bytes` each can follow. Called before memory is
  // taken for so many, or a loop runs over them.
  void expect(uint64_t count, uint64_t least_bytes) const;

 private:
  [[noreturn]] void fail() const;

  const InputFile& file_;
  std::string what_;
  uint64_t position_ = 0;
  std::vector<uint8_t> buffer_;  // of the file from buffer_begin_
  uint64_t buffer_begin_ = 0;
};

}  // namespace dcf::tools
