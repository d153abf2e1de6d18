// SPDX-License-Identifier: Apache-2.0
// NumPy's byte orders and element orders, brought to the one of .dcf.
#pragma once

#include <memory>
#include <string>

#include "formats/memory_limit.h"
#include "formats/model_source.h"
#include "formats/npy_header.h"

namespace dcf::tools {

// The data of an array, little-endian and row-major, from `data`, which reads it in the order and
// byte order of its header. An array in Fortran order is held whole: throws DcfError (LimitMemory),
// naming `file` and the array, where it is larger than the limit.
std::unique_ptr<TensorReader> npy_to_row_major(const std::string& file, const NpyHeader& header,
                                               std::unique_ptr<TensorReader> data,
                                               const MemoryLimit& limit);

}  // namespace dcf::tools
