// SPDX-License-Identifier: Apache-2.0
// safetensors: u64 header size, JSON header, tensor data without gaps. As strict as the reference
// reader, and stricter where it lets the last of two equal keys win.
#pragma once

#include <memory>

#include "formats/input_file.h"
#include "formats/model_source.h"

namespace dcf::tools {

// Throws Error. open_model() of model_source.h picks the right reader for a file.
std::unique_ptr<ModelSource> open_safetensors_model(InputFile file, const MemoryLimit& limit);

}  // namespace dcf::tools
