// SPDX-License-Identifier: Apache-2.0
// What errors of each tensor cost the output, from the sensitivities of a calibration.
#pragma once

#include "cli/common_options.h"
#include "cli/encode_plan.h"
#include "formats/model_source.h"

namespace dcf::tools {

// Where every tensor that may be rounded has a sensitivity, sets plan->costs: that times the output
// error of the tensor, rounded as it will be (dcf_measure_rounding()) at one SQNR for all. The plan
// was bound to `source` and has a calibration. Reads every such tensor. Throws Error.
void measure_costs(const ModelSource& source, const CommonOptions& common, EncodePlan* plan);

}  // namespace dcf::tools
