// SPDX-License-Identifier: Apache-2.0
// The memory that the processes of a plan take at most: all of it, the program included.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/parts/work_plan.h"
#include "formats/tensor_meta.h"

namespace dcf::tools {

// `tensors` are those of the plan's model.
uint64_t peak_memory_of(const WorkItem& item, const WorkPlan& plan,
                        const std::vector<TensorMeta>& tensors);
// Of any task.
uint64_t peak_memory_of_stats(const WorkPlan& plan);

}  // namespace dcf::tools
