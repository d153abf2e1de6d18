// SPDX-License-Identifier: Apache-2.0
// The header of a GGUF file: version, counts, metadata, and what it says of each tensor.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "formats/gguf_types.h"
#include "formats/input_file.h"
#include "formats/memory_limit.h"

namespace dcf::tools {

struct GgufTensor {
  std::string name;
  uint32_t type_id = 0;
  const GgufType* type = nullptr;  // null where the size of the type is not known
  std::vector<int64_t> dims;       // in GGUF's order: the first one changes fastest
  uint64_t elements = 0;
  uint64_t offset = 0;  // in the file
  uint64_t bytes = 0;   // of an unknown type: all up to the next tensor
};

struct GgufHeader {
  // "gguf.architecture" and "gguf.name", from general.architecture and general.name, where they are
  // short texts. The rest of the metadata is looked through, and not kept.
  std::map<std::string, std::string> metadata;
  // In the order of their offsets. Names are unique and short enough for a .dcf file, dims are at
  // most 4, data lie inside the file and do not overlap.
  std::vector<GgufTensor> tensors;
};

// Little-endian GGUF of version 2 and 3. Throws Error, where the file is malformed with exit code
// 1, where it is of another version or byte order with 2. What is held, here and of ModelSource's
// own lists for these tensors, is checked against `limit` before it is taken.
GgufHeader read_gguf_header(const InputFile& file, const MemoryLimit& limit);

}  // namespace dcf::tools
