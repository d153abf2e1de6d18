// SPDX-License-Identifier: Apache-2.0
// The entries of a compressed matrix in memory, row by row: what layers are packed from.
#pragma once

#include <vector>

#include "base/big_vector.h"
#include "model/model.h"

namespace dcf::impl {

// Weights of zero are absent, whether they were stored or not.
struct LayerEntries {
  // Behind the last entry of each row. Its column is above all others.
  static constexpr uint32_t kRowEnd = UINT32_MAX;
  // With a codebook an entry holds its column in the low bits, and its code above.
  static constexpr unsigned kColumnBits = 24;
  static constexpr uint32_t kColumnMask = (uint32_t{1} << kColumnBits) - 1;
  // What packings round up to a block of columns stays below the end of a row.
  static constexpr uint32_t kMostColumns = kRowEnd - 256;
  static constexpr uint32_t kMostCodedColumns = kColumnMask - 256;

  uint64_t rows = 0;
  uint64_t cols = 0;
  uint64_t nonzeros = 0;
  std::vector<uint64_t> row_start;   // of `entries`, per row; rows need not follow each other
  std::vector<uint32_t> row_length;  // without the end
  BigVector<uint32_t> entries;       // columns rise strictly within a row
  std::vector<float> codebook;       // up to 256 weights, by code; empty: `values` has the weights
  BigVector<float> values;           // one per element of `entries`; empty with a codebook

  bool has_codes() const { return !codebook.empty(); }
  uint64_t row_end(uint64_t row) const { return row_start[row] + row_length[row]; }
  uint32_t column(uint64_t i) const { return has_codes() ? entries[i] & kColumnMask : entries[i]; }
  float weight(uint64_t i) const {
    return has_codes() ? codebook[entries[i] >> kColumnBits] : values[i];
  }
};

// Decodes the tensor as rows x cols of its first dimension, chunk by chunk, on the file's threads.
// `held` is what the caller keeps meanwhile. LimitMemory where the memory limit does not allow for
// it; UnsupportedDType for dtypes without arithmetic.
Result<LayerEntries> load_entries(const Model& model, size_t tensor, uint64_t held);

}  // namespace dcf::impl
