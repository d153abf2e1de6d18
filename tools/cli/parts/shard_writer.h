// SPDX-License-Identifier: Apache-2.0
// The parts of a plan, joined into several files and an index, as safetensors has it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/common_options.h"
#include "cli/parts/work_plan.h"

namespace dcf::tools {

struct WrittenShards {
  uint64_t files = 0;  // the index, too
  uint64_t bytes = 0;
};

// Writes a folder: model-00001-of-0000N.dcf, ..., each of parts of up to `shard_bytes` bytes or of
// one tensor, and model.dcf.index.json, whose "weight_map" names the file of each tensor. An alias
// lies in the file of its data. Every file has the metadata of the model; none has what the model's
// files need to come back.
WrittenShards write_shards(const WorkPlan& plan, const ModelSource& source,
                           const std::vector<std::string>& parts, uint64_t shard_bytes,
                           const OutputOptions& output, const CommonOptions& common);

}  // namespace dcf::tools
