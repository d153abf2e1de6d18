// SPDX-License-Identifier: Apache-2.0
// The words of a palette by code.
#pragma once

#include <array>
#include <bit>

#include "base/float_convert.h"
#include "model/chunk_decoder.h"

namespace dcf::impl {

// The codes that come before those of the codebook: the reserved zero of gap positions.
inline unsigned reserved_codes(const TensorCoding& coding) {
  return coding.tensor().encoding.positions == Positions::kGap ? 1 : 0;
}

// In the tensor's dtype, or as floats; zero where the codebook has none.
template <typename T>
std::array<T, 257> words_by_code(const TensorCoding& coding, bool to_f32) {
  std::array<T, 257> words{};
  size_t code = reserved_codes(coding);
  for (uint64_t word : coding.codebook()) {
    if (to_f32) word = std::bit_cast<uint32_t>(word_to_float(coding.tensor().dtype, word));
    words[code++] = static_cast<T>(word);
  }
  return words;
}

}  // namespace dcf::impl
