// SPDX-License-Identifier: Apache-2.0
// The .net file published with Deep Compression: pruned, weight-shared layers, without names,
// shapes or checksums. Little-endian: u32 stored entries per layer; then for each layer its
// codebook (f32, 2^bits entries, the first is 0), its biases (f32, one per output), one code per
// entry and one 4-bit gap per entry, low nibble first. Entry i lies gap + 1 elements after the one
// before it in the flattened layer; an entry of gap 15 and code 0 only bridges a longer gap.
#pragma once

#include <memory>
#include <string>

#include "formats/input_file.h"
#include "formats/model_source.h"

namespace dcf::tools {

// `layers_json` is the path of a file with an array of {"name", "shape", "bits" (code bits, 4 or 8;
// default 8)} in file order. Throws Error.
std::unique_ptr<ModelSource> open_net_model(InputFile file, const std::string& layers_json,
                                            const MemoryLimit& limit);

}  // namespace dcf::tools
