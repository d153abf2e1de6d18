// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "formats/model_source.h"

namespace dcf::tools {

// Every k-th element of tensor i as a number, with the least k that gives at most `most` of them.
// Values that are not finite are left out; empty for dtypes without values. Reads the whole tensor
// in pieces. Throws Error.
std::vector<double> sample_values(const ModelSource& source, size_t i, size_t most);

}  // namespace dcf::tools
