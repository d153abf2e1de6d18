// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/parts/stats_task.h"

namespace dcf::tools {

// Writes into the plan what its tasks have found: digests of files, which tensors are aliases, how
// tensors are cut. `results` has those of all tasks, in any order, some more than once; throws
// UsageError where one is missing. The items are numbered anew.
void settle_plan(const ModelSource& source, const std::vector<MeasuredTask>& results,
                 WorkPlan* plan);

}  // namespace dcf::tools
