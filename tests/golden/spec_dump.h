// SPDX-License-Identifier: Apache-2.0
// Pieces of the annotated dumps in spec/dcf-format.md. They read the bytes as a stranger would,
// with nothing of the library, so that the text is not the library's own opinion of its output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace dcf::example {

inline constexpr size_t kBytesPerLine = 12;

// Ends the program unless ok.
void must(bool ok, const char* what);

template <typename T>
T load(const uint8_t* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

std::string dec(uint64_t value);

// The text of a dump, written from the first byte of a file to the last.
class Dump {
 public:
  explicit Dump(const std::vector<uint8_t>& file) : file_(file) {}

  const uint8_t* here() const { return file_.data() + at_; }
  size_t at() const { return at_; }

  // The next n > 0 bytes, kBytesPerLine in a line, and what they are.
  void line(size_t n, const std::string& note);
  // A line without bytes, which explains those above it.
  void comment(const std::string& note);
  // The text. The program ends if there are bytes left.
  std::string take();

 private:
  std::string start_of_line(const char* before) const;

  const std::vector<uint8_t>& file_;
  size_t at_ = 0;
  std::string text_;
};

// A bit string, lowest bit first.
class Bits {
 public:
  explicit Bits(const uint8_t* p) : p_(p) {}
  unsigned bit();
  uint64_t field(unsigned width);
  size_t bytes() const { return (at_ + 7) / 8; }  // that the bits read so far lie in

 private:
  const uint8_t* p_;
  size_t at_ = 0;
};

// The header with a line for each field; the manifest with a line for each tag byte.
void dump_header(Dump* d);
void dump_manifest(Dump* d, size_t size);
// The manifest as raw bytes, then a line for each column that is not empty. Returns these lines.
std::vector<std::string> dump_manifest_columns(Dump* d, size_t size);

struct Code {
  unsigned symbol;
  std::string bits;  // highest first
};
// One code-length record. The codes in canonical order.
std::vector<Code> dump_table(Dump* d, unsigned number);

}  // namespace dcf::example
