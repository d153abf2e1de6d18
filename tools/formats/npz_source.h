// SPDX-License-Identifier: Apache-2.0
// .npz: a zip archive with one .npy per tensor.
#pragma once

#include <memory>

#include "formats/input_file.h"
#include "formats/model_source.h"

namespace dcf::tools {

// Throws Error. open_model() of model_source.h picks the right reader for a file.
std::unique_ptr<ModelSource> open_npz_model(InputFile file, const MemoryLimit& limit);

}  // namespace dcf::tools
