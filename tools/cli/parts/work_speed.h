// SPDX-License-Identifier: Apache-2.0
// How fast one process works on this machine, and what that means for a plan.
#pragma once

#include <cstdint>

#include "cli/parts/work_plan.h"

namespace dcf::tools {

// Sets the speeds of the plan by encoding, hashing and counting normally distributed weights, 4 MiB
// of them, with the type, options and threads of its largest tensor.
void measure_speed(const ModelSource& source, WorkPlan* plan);

struct Prediction {
  double stats_seconds = 0;  // with so many processes at a time
  double encode_seconds = 0;
  uint64_t peak_memory = 0;  // of the process that takes the most
};
Prediction predict(const WorkPlan& plan, uint64_t workers);

}  // namespace dcf::tools
