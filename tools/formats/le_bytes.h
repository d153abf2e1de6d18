// SPDX-License-Identifier: Apache-2.0
// Little-endian numbers in byte buffers.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace dcf::tools {

template <std::unsigned_integral T>
T load_le(const uint8_t* src) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value | static_cast<T>(static_cast<T>(src[i]) << (8 * i)));
  }
  return value;
}

template <std::unsigned_integral T>
void append_le(std::vector<uint8_t>* out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) out->push_back(static_cast<uint8_t>(value >> (8 * i)));
}

// Room for `size` bytes, zeroed, or an Error that names `file`. The caller has checked `size`
// against the file or a limit.
std::vector<uint8_t> make_buffer(const std::string& file, uint64_t size);

}  // namespace dcf::tools
