// SPDX-License-Identifier: Apache-2.0
// TensorFlow.js: model.json, or a weights_manifest.json alone, and its weight files, which lie in
// its folder or below. The weights and the model's strings are carried; modelTopology, the graph
// that uses them, and bytes after the last weight of a group are rest of the layout.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>

#include "formats/input_file.h"
#include "formats/model_source.h"

namespace dcf::tools {

// `root` is what `file` holds. With `dequantize`, quantised weights are the numbers they stand for;
// such a model has no layout. Throws Error. open_model() of model_source.h picks the right reader.
std::unique_ptr<ModelSource> open_tfjs_model(InputFile file, const nlohmann::json& root,
                                             const MemoryLimit& limit, bool dequantize);

}  // namespace dcf::tools
