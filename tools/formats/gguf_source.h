// SPDX-License-Identifier: Apache-2.0
// GGUF, the model files of llama.cpp and its like: little-endian, version 2 and 3. How its tensors
// become those of a .dcf file is specified in docs/format-mappings.md, "GGUF".
#pragma once

#include <memory>

#include "formats/input_file.h"
#include "formats/model_source.h"

namespace dcf::tools {

// Throws Error. open_model() of model_source.h picks the right reader for a file.
std::unique_ptr<ModelSource> open_gguf_model(InputFile file, const MemoryLimit& limit);

}  // namespace dcf::tools
