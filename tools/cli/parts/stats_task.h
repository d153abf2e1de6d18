// SPDX-License-Identifier: Apache-2.0
// The first pass over a model that is compressed in parts: digests of tensors and files, and
// statistics of the tensors that are cut. Each task reads some bytes once; what the tasks find is
// merged in any order.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/parts/work_plan.h"

namespace dcf::tools {

// Of one range of a tensor that is cut, or of a whole tensor.
struct MeasuredRange {
  size_t tensor = 0;
  uint64_t range = 0;
  Sha256 sha256{};
  std::vector<uint8_t> stats;  // empty where the tensor is not cut
};

struct MeasuredTask {
  size_t task = 0;
  std::optional<Sha256> file_sha256;
  std::vector<MeasuredRange> ranges;
};

// `see` is told of bytes that were read, and may throw.
MeasuredTask run_task(const WorkPlan& plan, const ModelSource& source, size_t task,
                      const std::function<void(uint64_t)>& see);

// As JSON, and back. Throws Error where the file is no result of a task of the plan.
std::string task_text(const WorkPlan& plan, const MeasuredTask& measured);
MeasuredTask read_task_result(const WorkPlan& plan, const std::string& path);

}  // namespace dcf::tools
