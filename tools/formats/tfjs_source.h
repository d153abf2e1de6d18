// SPDX-License-Identifier: Apache-2.0
// TensorFlow.js: model.json and its weight files, which lie in its folder or below. The weights and
// the model's strings are carried; modelTopology, the graph that uses them, is not.
#pragma once

#include <memory>

#include "formats/input_file.h"
#include "formats/model_source.h"

namespace dcf::tools {

// Throws Error. open_model() of model_source.h picks the right reader for a file.
std::unique_ptr<ModelSource> open_tfjs_model(InputFile file, const MemoryLimit& limit);

}  // namespace dcf::tools
