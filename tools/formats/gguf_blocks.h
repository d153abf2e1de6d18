// SPDX-License-Identifier: Apache-2.0
// Tensors of GGUF blocks taken apart: the scales of all blocks as one tensor, the codes as another.
#pragma once

#include <cstdint>
#include <memory>

#include "formats/gguf_types.h"
#include "formats/input_file.h"
#include "formats/memory_limit.h"
#include "formats/model_source.h"

namespace dcf::tools {

// `blocks` blocks of a type that has parts, from `offset` in the file.
struct GgufBlocks {
  const GgufType* type = nullptr;
  uint64_t offset = 0;
  uint64_t blocks = 0;
};

// Whether the parts, each coded by itself, are expected to take clearly less than the blocks as
// they are. Looks at 2,048 blocks at most, spread over the tensor: the order-0 entropy of each
// part. Throws Error where the file cannot be read.
bool split_gains(const InputFile& file, const GgufBlocks& blocks);

// Reads type->parts[part] of all blocks, from front to end. Holds 64 KiB at most, checked against
// `limit`. Borrows the file.
std::unique_ptr<TensorReader> read_block_part(const InputFile& file, const GgufBlocks& blocks,
                                              size_t part, const MemoryLimit& limit);

}  // namespace dcf::tools
