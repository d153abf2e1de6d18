// SPDX-License-Identifier: Apache-2.0
// A tensor of a .dcf file from its first row to its last, some rows at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "formats/dcf_file.h"

namespace dcf::tools {

// Decodes the rows of one tensor in order, into memory of the caller, and counts the nonzeros on
// the way: the library does that for whole tensors only. Belongs to one thread at a time; borrows
// the file.
class DcfRowDecoder {
 public:
  DcfRowDecoder(const DcfFile& file, size_t tensor);

  // Fills `out` with the next `rows` rows, whose bytes it has room for and no more. Throws
  // DcfError; together with the last row also BadCount (K-05) where the tensor has another number
  // of nonzeros than the file declares.
  void next(uint64_t rows, std::span<uint8_t> out);

 private:
  [[noreturn]] void throw_wrong_count() const;

  const DcfFile& file_;
  size_t tensor_;
  uint64_t rows_;
  size_t element_bytes_;
  uint64_t magnitude_mask_;
  uint64_t declared_nonzeros_;
  uint64_t nonzeros_ = 0;
  uint64_t row_ = 0;
};

// The bytes of the tensor from front to end, some rows at a time, or all at once where they are few
// or rows do not start at a byte. Belongs to one thread at a time; borrows the file.
class DcfRows {
 public:
  DcfRows(const DcfFile& file, size_t tensor);

  // The next bytes, good until the next call; empty at the end. Throws what DcfRowDecoder throws.
  std::span<const uint8_t> next();

 private:
  const DcfFile& file_;
  size_t tensor_;
  DcfRowDecoder decoder_;
  uint64_t rows_;
  uint64_t piece_rows_;
  uint64_t row_bytes_;
  uint64_t row_ = 0;
  std::vector<uint8_t> bytes_;
};

}  // namespace dcf::tools
