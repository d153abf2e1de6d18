// SPDX-License-Identifier: Apache-2.0
// The types of tensors in GGUF files (ggml_type of ggml): numbers, and blocks of numbers that share
// scales.
#pragma once

#include <dcf/dcf.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace dcf::tools {

// Bytes of every block of a tensor that become a tensor of their own.
struct GgufPart {
  std::string_view suffix;  // of the tensor's name
  dcf_dtype dtype;
  uint32_t bytes;  // of each block
  bool scale;      // holds scales or offsets
};

struct GgufType {
  uint32_t id;
  std::string_view name;
  uint32_t block_elements;  // 1 for numbers
  uint32_t block_bytes;
  dcf_dtype dtype;  // of numbers; DCF_DTYPE_OPAQUE for blocks
  // In the order in which they lie in a block. Empty where blocks are not split.
  std::span<const GgufPart> parts;
};

// Null where the size of the type is not known: types that newer writers have, and those that ggml
// gave up.
const GgufType* find_gguf_type(uint32_t id);

}  // namespace dcf::tools
