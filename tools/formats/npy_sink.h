// SPDX-License-Identifier: Apache-2.0
// A model of one tensor as .npy.
#pragma once

#include <memory>
#include <vector>

#include "formats/model_sink.h"
#include "formats/output_file.h"

namespace dcf::tools {

// Throws Error where there are several tensors. Metadata has no place in the file.
std::unique_ptr<ModelSink> create_npy_sink(std::unique_ptr<OutputFile> file,
                                           std::vector<TensorMeta> tensors);

}  // namespace dcf::tools
