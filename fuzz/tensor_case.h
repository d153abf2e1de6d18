// SPDX-License-Identifier: Apache-2.0
// What the first bytes of an input of fuzz_tensor stand for; the rest is the bytes of the chunk.
#pragma once

#include "model/tensor_coding.h"

namespace dcf::fuzz {

// Bytes of an input that are parameters, and where among them the number of entries stands (u16).
inline constexpr size_t kParameters = 20;
inline constexpr size_t kEntriesAt = 14;

// A valid tensor of one chunk, with tables for some of its roles.
struct Case {
  std::vector<uint64_t> dims;  // of the tensor
  impl::format::Tensor tensor;
  impl::model::Tables tables;
  uint32_t entries = 0;  // 0..elements
};

// Any kParameters bytes are valid.
Case read_case(const uint8_t* bytes);

}  // namespace dcf::fuzz
