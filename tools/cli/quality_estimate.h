// SPDX-License-Identifier: Apache-2.0
// About how small a file would be, without reading a weight.
#pragma once

#include <cstdint>

#include "cli/encode_plan.h"
#include "formats/dcf_file.h"

namespace dcf::tools {

// Bytes of the file that `plan`, which has a quality and was bound to `source`, would give, where
// `lossless` is what the model takes without loss. Tensors that are rounded take what normally
// distributed weights do, or less without loss; all else is as it is.
uint64_t estimated_bytes(const ModelSource& source, const EncodePlan& plan,
                         const DcfFile& lossless);

}  // namespace dcf::tools
