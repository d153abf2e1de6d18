// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "formats/model_source.h"

namespace dcf::tools {

std::unique_ptr<ModelSource> open_dcf_model(const std::string& path, const OpenHints& hints);

}  // namespace dcf::tools
