// SPDX-License-Identifier: Apache-2.0
// The header of a safetensors file: u64 size, JSON, then the tensors' data without gaps. As strict
// as the reference reader, and stricter where it lets the last of two equal keys win.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "formats/input_file.h"
#include "formats/memory_limit.h"
#include "formats/tensor_meta.h"

namespace dcf::tools {

struct SafetensorsHeader {
  std::vector<TensorMeta> tensors;  // in the order of their data
  std::vector<uint64_t> offsets;    // in the file, one per tensor
  std::map<std::string, std::string> metadata;
  // Where the descriptions of the tensors lie, up to the end of the header, if they are those that
  // SafetensorsText gives for tensors that have data; 0 bytes if they are others.
  uint64_t described_at = 0;
  uint64_t described_bytes = 0;
};

// Whether a file starts like safetensors. There is no magic: a plausible size, then the header's
// brace.
bool looks_like_safetensors(std::string_view head);

// Throws Error where the header is malformed or the tensors do not cover the rest of the file.
SafetensorsHeader read_safetensors_header(const InputFile& file, const MemoryLimit& limit);

}  // namespace dcf::tools
