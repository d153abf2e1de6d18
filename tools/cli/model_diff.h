// SPDX-License-Identifier: Apache-2.0
// Two models, tensor by tensor.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "cli/difference.h"
#include "cli/options.h"

namespace dcf::tools {

struct TensorDiff {
  std::string name;
  bool ok = false;
  std::string result;                    // a few words
  std::optional<Difference> difference;  // of tensors of the same dtype and shape
  double error_bound = 0;                // that B promises, with `bounds`
};

struct ModelDiff {
  std::vector<TensorDiff> tensors;
  bool same_metadata = true;

  size_t count_ok() const;
  bool ok() const { return count_ok() == tensors.size(); }
};

struct DiffRequest {
  std::string a, b;     // paths
  bool bounds = false;  // `b` is a .dcf, whose tensors may differ as much as it says
};

ModelDiff diff_models(const DiffRequest& request, const CommonOptions& common);

}  // namespace dcf::tools
