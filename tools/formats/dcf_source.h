// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "formats/dcf_file.h"
#include "formats/model_source.h"

namespace dcf::tools {

std::unique_ptr<ModelSource> open_dcf_model(const std::string& path, const OpenHints& hints);

// The file behind `source`, whose tensors are in the same order; null where it is no .dcf file.
const DcfFile* dcf_file_of(const ModelSource& source);

}  // namespace dcf::tools
