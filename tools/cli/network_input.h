// SPDX-License-Identifier: Apache-2.0
// The array that `dcf run --input` puts into a network.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/memory_limit.h"

namespace dcf::tools {

struct NetworkInput {
  uint64_t rows = 0;
  uint64_t cols = 0;          // values of one row
  bool is_float = false;      // f32, else u8
  std::vector<uint8_t> data;  // [rows, cols], little-endian

  std::vector<float> floats(uint64_t first, uint64_t count) const;
};

// A .npy array [rows, ...] of f32 or u8 with `cols` values in each row. Throws Error, also where it
// is over the limit.
NetworkInput read_npy_input(const std::string& path, uint64_t cols, const MemoryLimit& limit);

}  // namespace dcf::tools
