// SPDX-License-Identifier: Apache-2.0
#include "cli/network/labels.h"

#include <algorithm>
#include <cmath>

namespace dcf::tools {

uint64_t count_wrong(std::span<const float> outputs, uint64_t classes,
                     std::span<const uint8_t> labels) {
  uint64_t wrong = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const std::span<const float> row = outputs.subspan(i * classes, classes);
    const bool number =
        std::none_of(row.begin(), row.end(), [](float value) { return std::isnan(value); });
    const auto best = std::max_element(row.begin(), row.end()) - row.begin();
    if (!number || best != labels[i]) ++wrong;
  }
  return wrong;
}

}  // namespace dcf::tools
