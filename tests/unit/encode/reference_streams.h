// SPDX-License-Identifier: Apache-2.0
// Part of the second decoder (reference_decoder.h): bit strings, code-length records and streams,
// sections 1, 5.1 and 9 of spec/dcf-format.md. A rule that is broken throws std::runtime_error,
// which is caught before the tests see it.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace dcf::impl::reference {

void require(bool condition, const char* why);

unsigned bit_width_of(uint64_t x);

// Section 1: bit strings.
class Cursor {
 public:
  explicit Cursor(Bytes bytes) : bytes_(bytes) {}
  uint64_t field(unsigned width) {
    uint64_t v = 0;
    for (unsigned i = 0; i < width; ++i, ++bit_) {
      require(bit_ / 8 < bytes_.size(), "ran past the end");
      v |= static_cast<uint64_t>(bytes_[bit_ / 8] >> (bit_ % 8) & 1) << i;
    }
    return v;
  }
  void end_string() {
    while (bit_ % 8 != 0) require(field(1) == 0, "padding is not zero");
  }
  uint8_t byte() { return static_cast<uint8_t>(field(8)); }
  uint64_t varint() {
    uint64_t v = 0;
    for (unsigned shift = 0;; shift += 7) {
      const uint8_t b = byte();
      v |= static_cast<uint64_t>(b & 127) << shift;
      if (b < 128) return v;
    }
  }
  size_t position() const { return bit_ / 8; }
  bool at_end() const { return bit_ == 8 * bytes_.size(); }

 private:
  Bytes bytes_;
  size_t bit_ = 0;
};

using Lengths = std::vector<unsigned>;

// Section 5.1.
Lengths read_lengths(Cursor& in);

// Section 9.1.
std::vector<uint8_t> read_streams(Cursor& in, uint64_t n, const Lengths& table);

// Section 9.
std::vector<uint8_t> read_stream(Cursor& in, uint64_t n, unsigned alphabet, const Lengths* table);

}  // namespace dcf::impl::reference
