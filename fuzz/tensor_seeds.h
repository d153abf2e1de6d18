// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace dcf::fuzz {

// Inputs of fuzz_tensor with a sound chunk, for all positions and values and both Huffman layouts.
// Always the same.
std::vector<std::vector<uint8_t>> tensor_seeds();

}  // namespace dcf::fuzz
