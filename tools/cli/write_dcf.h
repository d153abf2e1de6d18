// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/common_options.h"
#include "cli/encode_plan.h"
#include "formats/model_source.h"

namespace dcf::tools {

// Encodes `source` into a .dcf at `output` ("-": standard output), as `plan` says. With
// `exact_file` it also keeps what the model's files need to come back as they were, where the
// source can tell, and the ancillary sections of a .dcf file.
void write_dcf(const ModelSource& source, const EncodePlan& plan, bool exact_file,
               const OutputOptions& output, const CommonOptions& common);

}  // namespace dcf::tools
