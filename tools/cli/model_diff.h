// SPDX-License-Identifier: Apache-2.0
// Two models, tensor by tensor.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/common_options.h"
#include "cli/difference.h"
#include "formats/model_source.h"

namespace dcf::tools {

struct TensorDiff {
  std::string_view name;  // lives as long as the ModelDiff
  bool ok = false;
  const char* result = "";               // a few words
  std::optional<Difference> difference;  // of tensors of the same dtype and shape
  double error_bound = 0;                // that B promises, with `bounds`
};

struct ModelDiff {
  std::unique_ptr<ModelSource> a, b;
  std::vector<TensorDiff> tensors;
  bool same_metadata = true;

  size_t count_ok() const;
  bool ok() const { return count_ok() == tensors.size(); }
};

struct DiffRequest {
  std::string a, b;     // paths
  bool bounds = false;  // `b` is a .dcf, whose tensors may differ as much as it says
};

// How far tensor `in_b` of `b` is from tensor `in_a` of `a`, which has the same dtype and shape.
// Both are read in pieces, twice where they differ. Throws Error.
Difference compare_tensors(const ModelSource& a, size_t in_a, const ModelSource& b, size_t in_b);

// Reads both models piece by piece, each with half of the memory limit. Throws Error.
ModelDiff diff_models(const DiffRequest& request, const CommonOptions& common);

}  // namespace dcf::tools
