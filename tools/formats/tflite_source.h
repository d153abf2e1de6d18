// SPDX-License-Identifier: Apache-2.0
// TensorFlow Lite (LiteRT) models: a flatbuffer with the graph and the buffers of its constants.
// How these become the tensors of a .dcf file is specified in docs/format-mappings.md, "TensorFlow
// Lite".
#pragma once

#include <memory>

#include "formats/input_file.h"
#include "formats/model_source.h"

namespace dcf::tools {

// Throws Error. open_model() of model_source.h picks the right reader for a file. The file is
// mapped into memory while it is opened; mapped_file.h says what follows where others write to it
// then.
std::unique_ptr<ModelSource> open_tflite_model(InputFile file, const MemoryLimit& limit);

}  // namespace dcf::tools
