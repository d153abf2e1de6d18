// SPDX-License-Identifier: Apache-2.0
// One opener per foreign format. Use open_model(), which picks the right one.
#pragma once

#include <memory>
#include <string>

#include "formats/input_file.h"
#include "formats/model_source.h"

namespace dcf::tools {

std::unique_ptr<ModelSource> open_safetensors_model(InputFile file);
std::unique_ptr<ModelSource> open_npy_model(InputFile file);
std::unique_ptr<ModelSource> open_npz_model(InputFile file);
// TensorFlow.js: `file` is the model.json; the weight files lie beside it.
std::unique_ptr<ModelSource> open_tfjs_model(InputFile file);
// The Deep Compression author's .net; `layers_json` is the path of a file with an array of
// {"name", "shape", "bits" (code bits, 4 or 8; default 8)} in file order.
std::unique_ptr<ModelSource> open_net_model(InputFile file, const std::string& layers_json);

}  // namespace dcf::tools
