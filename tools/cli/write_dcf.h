// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/encode_plan.h"
#include "cli/options.h"
#include "formats/model_source.h"

namespace dcf::tools {

// Encodes `source` into a .dcf at `output` ("-": standard output), as `plan` says.
void write_dcf(const ModelSource& source, const EncodePlan& plan, const OutputOptions& output,
               const CommonOptions& common);

}  // namespace dcf::tools
