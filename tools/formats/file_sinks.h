// SPDX-License-Identifier: Apache-2.0
// One sink per format. Use create_model_sink(), which checks the list of tensors first.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "formats/model_sink.h"
#include "formats/output_file.h"

namespace dcf::tools {

using Metadata = std::map<std::string, std::string>;

std::unique_ptr<ModelSink> create_safetensors_sink(std::unique_ptr<OutputFile> file,
                                                   std::vector<TensorMeta> tensors,
                                                   const Metadata& metadata);
std::unique_ptr<ModelSink> create_npz_sink(std::unique_ptr<OutputFile> file,
                                           std::vector<TensorMeta> tensors,
                                           const Metadata& metadata);

}  // namespace dcf::tools
