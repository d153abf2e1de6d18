// SPDX-License-Identifier: Apache-2.0
// A safetensors file as a model.
#pragma once

#include <memory>

#include "formats/input_file.h"
#include "formats/model_source.h"

namespace dcf::tools {

// Throws Error. open_model() of model_source.h picks the right reader for a file.
std::unique_ptr<ModelSource> open_safetensors_model(InputFile file, const MemoryLimit& limit);

}  // namespace dcf::tools
