// SPDX-License-Identifier: Apache-2.0
// The words of a palette by code.
#pragma once

#include <array>
#include <bit>

#include "base/float_convert.h"
#include "model/chunk_decoder.h"

namespace dcf::impl::model {

// In the tensor's dtype, or as floats; zero for codes beyond the codebook.
template <typename T>
std::array<T, 257> words_by_code(const TensorCoding& coding, bool to_f32) {
  std::array<T, 257> words{};
  size_t code = coding.reserved_codes();
  for (uint64_t word : coding.codebook()) {
    if (to_f32) word = std::bit_cast<uint32_t>(word_to_float(coding.tensor().dtype, word));
    words[code++] = static_cast<T>(word);
  }
  return words;
}

}  // namespace dcf::impl::model
