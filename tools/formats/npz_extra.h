// SPDX-License-Identifier: Apache-2.0
// An extra array in our .npz files, a row of bytes of JSON text, keeps what NumPy cannot express:
//   {"tensors": {NAME: {"dtype": "BF16", "shape": [2, 3]}, ...}, "metadata": {KEY: TEXT, ...}}
// Opaque dtypes read {"dtype": "OPAQUE", "bits": N, "opaque_name": TEXT, "shape": [...]}.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "formats/memory_limit.h"
#include "formats/tensor_meta.h"

namespace dcf::tools {

inline constexpr const char* kNpzExtraName = "__dcf__.json";

// Empty where the tensors and metadata need no such array.
std::string make_npz_extra(const std::string& file, std::span<const TensorMeta> tensors,
                           const std::map<std::string, std::string>& metadata);

// Gives the stored tensors their real dtypes and shapes, which must take as many bytes.
void apply_npz_extra(const std::string& file, std::span<const uint8_t> text,
                     const MemoryLimit& limit, std::vector<TensorMeta>* tensors,
                     std::map<std::string, std::string>* metadata);

}  // namespace dcf::tools
