// SPDX-License-Identifier: Apache-2.0
// Little-endian numbers in byte buffers.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace dcf::tools {

using impl::load_le;

template <std::unsigned_integral T>
void append_le(std::vector<uint8_t>* out, T value) {
  const size_t at = out->size();
  out->resize(at + sizeof(T));
  impl::store_le(out->data() + at, value);
}

}  // namespace dcf::tools
