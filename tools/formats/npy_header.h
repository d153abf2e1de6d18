// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy: magic, version, a Python dict literal with dtype, order and shape, then the data.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/npy_type.h"
#include "formats/tensor_meta.h"

namespace dcf::tools {

struct NpyHeader {
  // Without a name. Elements that are no plain numbers are opaque and named after their type, or,
  // where they take more than 8192 bytes or none, rows of bytes along a last dimension of its own.
  TensorMeta meta;
  std::vector<uint64_t> shape;  // of the array
  std::string type;             // as the header has it: a name, or the list of a record's fields
  NpyType element;
  bool fortran_order = false;
  uint64_t header_bytes = 0;  // the data begins there

  // Whether the data's size is known. If not, meta is empty.
  bool has_data() const;
  // Whether the data are the tensor's bytes as they lie in the file.
  bool in_place() const;
  // Where they are not, of elements: "are big-endian" or "are in Fortran order".
  std::string out_of_place() const;
  // Whether the first dimension varies fastest, and that makes a difference.
  bool is_column_major() const;
};

// Reads bytes one after the other; throws where there are fewer.
using SequentialRead = std::function<void(std::span<uint8_t>)>;

// `where` names file and array in messages. `total_bytes` is the size of the whole array file,
// which header and data must fill exactly where the size of the data is known.
NpyHeader read_npy_header(const std::string& where, uint64_t total_bytes,
                          const SequentialRead& read);

// How NumPy can hold the tensor: as it is, opaque elements named after a type of NumPy's too; or,
// where NumPy lacks the dtype, as unsigned integers of the same width; or, where elements are no
// whole bytes, as a row of bytes.
TensorMeta numpy_equivalent(const TensorMeta& meta);
// The complete .npy header for numpy_equivalent(meta), of a size that is a multiple of 64.
std::vector<uint8_t> make_npy_header(const TensorMeta& meta);

}  // namespace dcf::tools
