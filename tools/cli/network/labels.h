// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace dcf::tools {

// Rows of `outputs`, [labels.size(), classes], whose greatest value is not at the row's label. Of
// equal values the first counts. A row with a NaN is wrong, whatever its label.
uint64_t count_wrong(std::span<const float> outputs, uint64_t classes,
                     std::span<const uint8_t> labels);

}  // namespace dcf::tools
