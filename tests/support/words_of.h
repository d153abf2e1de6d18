// SPDX-License-Identifier: Apache-2.0
// Words of a float dtype from numbers, for tests.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/float_convert.h"

namespace dcf::impl {

inline std::vector<uint8_t> words_of(DType dtype, const std::vector<double>& values) {
  const size_t width = dtype_bits(dtype) / 8;
  std::vector<uint8_t> bytes(values.size() * width);
  for (size_t i = 0; i < values.size(); ++i) {
    store_word(&bytes[i * width], width, double_to_word(dtype, values[i]));
  }
  return bytes;
}

}  // namespace dcf::impl
