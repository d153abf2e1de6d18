// SPDX-License-Identifier: Apache-2.0
// Golden models of other libraries: tensors.tsv beside them has a row of each tensor, as the
// library itself reads it: file, name, dims, the bytes in hex.
#pragma once

#include <string>
#include <vector>

#include "formats/model_source.h"

namespace dcf::tools::test {

// The rows of the model that was read from `file`.
std::vector<std::string> golden_rows(const std::string& file, const ModelSource& source);

// Expects the rows, in any order, to be those of tensors.tsv in `folder`.
void expect_golden(const std::string& folder, std::vector<std::string> rows);

}  // namespace dcf::tools::test
