// SPDX-License-Identifier: Apache-2.0
// safetensors, laid out as the reference library does: wide dtypes first, then by name, the header
// padded to 8 bytes. So every tensor is aligned in the file and can be used where it lies.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "formats/model_sink.h"
#include "formats/output_file.h"

namespace dcf::tools {

// Throws Error. create_model_sink() of model_sink.h checks the list of tensors first.
std::unique_ptr<ModelSink> create_safetensors_sink(
    std::unique_ptr<OutputFile> file, std::vector<TensorMeta> tensors,
    const std::map<std::string, std::string>& metadata);

}  // namespace dcf::tools
