// SPDX-License-Identifier: Apache-2.0
// Recipes: JSON files with encoding rules per tensor.
//   {"rules": [{"match": REGEX, "sparsity": 0.9, "bits": 5, "init": "density", "seed": 1,
//               "positions": "gap", "gap_bits": 4, "zeros": "canonical", "profile": "paper"},
//             {"match": REGEX, "quality": "small"}, ...],
//    "ignore": [REGEX, ...]}
// REGEX has the syntax of RE2 and matches anywhere in a tensor's name; ^ and $ tie it to the ends.
// It has at most 4096 bytes, and neither look-around nor back-references (cli/name_pattern.h).
#pragma once

#include <string>

#include "cli/encode_plan.h"

namespace dcf::tools {

// Adds the rules of the recipe at `path` to the plan. Throws Error.
void read_recipe(const std::string& path, EncodePlan* plan);

}  // namespace dcf::tools
