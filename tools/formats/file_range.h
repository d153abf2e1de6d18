// SPDX-License-Identifier: Apache-2.0
// A tensor whose bytes lie in a file as they are.
#pragma once

#include <cstdint>
#include <memory>

#include "formats/input_file.h"
#include "formats/model_source.h"

namespace dcf::tools {

// Reads on from `offset`. Borrows the file, or keeps one that nobody else has.
std::unique_ptr<TensorReader> read_file_range(const InputFile& file, uint64_t offset);
std::unique_ptr<TensorReader> read_file_range(InputFile&& file, uint64_t offset);

}  // namespace dcf::tools
