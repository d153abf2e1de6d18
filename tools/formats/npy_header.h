// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy: magic, version, a Python dict literal with dtype, order and shape, then the data.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/tensor_meta.h"

namespace dcf::tools {

struct NpyHeader {
  TensorMeta meta;  // without a name
  bool fortran_order = false;
  bool big_endian = false;
  uint64_t header_bytes = 0;  // the data begins there
};

// Reads bytes one after the other; throws where there are fewer.
using SequentialRead = std::function<void(std::span<uint8_t>)>;

// `where` names file and array in messages. `total_bytes` is the size of the whole array file,
// which header and data must fill exactly.
NpyHeader read_npy_header(const std::string& where, uint64_t total_bytes,
                          const SequentialRead& read);

// How NumPy can hold the tensor: as it is, or, where NumPy lacks the dtype, as unsigned integers of
// the same width, or, where elements are no whole bytes, as a row of bytes.
TensorMeta numpy_equivalent(const TensorMeta& meta);
// The complete .npy header for numpy_equivalent(meta), of a size that is a multiple of 64.
std::vector<uint8_t> make_npy_header(const TensorMeta& meta);

}  // namespace dcf::tools
