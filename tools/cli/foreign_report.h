// SPDX-License-Identifier: Apache-2.0
// What `dcf info` and `dcf verify` say of a model that is no .dcf file.
#pragma once

#include "cli/common_options.h"
#include "formats/model_source.h"

namespace dcf::tools {

void print_foreign_info(const ModelSource& source, const CommonOptions& common);

// Reads every byte of every tensor, which checks what the format itself can tell. Throws Error.
void verify_foreign(const ModelSource& source, const CommonOptions& common);

}  // namespace dcf::tools
