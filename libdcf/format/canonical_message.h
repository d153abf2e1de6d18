// SPDX-License-Identifier: Apache-2.0
// The canonical Cap'n Proto message of a manifest (M-02): one segment with the root pointer, the
// numbers, the list pointers and the lists in the order of their pointers. Numbers and pointers end
// with the last one that is not zero. C++17, as manifest_columns.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "format/manifest_columns.h"

namespace dcf::impl::format {

// Borrows the columns.
class CanonicalMessage {
 public:
  explicit CanonicalMessage(const ManifestColumns& columns);

  // Whether every list, and every distance from a pointer to its list, fits in a message.
  bool fits() const { return fits_; }
  uint64_t bytes() const { return bytes_; }  // a multiple of 8
  // Writes the message to `out`, which has bytes() bytes.
  void write(uint8_t* out) const;
  // Whether these are the bytes of the message. Allocates nothing.
  bool equals(const uint8_t* message, uint64_t size) const;

 private:
  static constexpr size_t kNumbers = 3;
  static constexpr size_t kLists = 25;

  // Calls piece(bytes, size) for consecutive pieces of the message until it returns false.
  template <typename Piece>
  bool for_each_piece(Piece piece) const;

  const ManifestColumns& columns_;
  std::array<uint64_t, 1 + kNumbers + kLists> head_{};  // pointers and numbers
  size_t head_words_ = 1;
  uint64_t bytes_ = 0;
  bool fits_ = true;
};

}  // namespace dcf::impl::format
