// SPDX-License-Identifier: Apache-2.0
// The model.bin of CTranslate2: u32 version, name of the model's kind, u32 revision, then variables
// (name, dims, type, bytes) and aliases. Versions 2 to 6 are read. Kind, revision, version and
// aliases are metadata ("ctranslate2.*"). Scales and zero points of quantised weights are marked as
// scales.
#pragma once

#include <memory>
#include <string_view>

#include "formats/input_file.h"
#include "formats/model_source.h"

namespace dcf::tools {

// Whether a file starts like a model.bin. There is no magic: a small version and an identifier.
bool is_ctranslate2(std::string_view head);

// Throws Error. open_model() of model_source.h picks the right reader for a file.
std::unique_ptr<ModelSource> open_ctranslate2_model(InputFile file, const MemoryLimit& limit);

}  // namespace dcf::tools
