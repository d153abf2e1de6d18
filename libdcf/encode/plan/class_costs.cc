// SPDX-License-Identifier: Apache-2.0
#include "encode/plan/class_costs.h"

#include <algorithm>

namespace dcf::impl::encode {

uint64_t class_cost(const codec::Histogram& histogram, uint64_t chunks) {
  const auto used = static_cast<uint64_t>(
      std::count_if(histogram.begin(), histogram.end(), [](uint64_t n) { return n > 0; }));
  const uint64_t bytes = 4 + used * 5 / 8 + chunks * (5 + used / 8);
  return entropy_of(histogram) + (bytes << kByteShift);
}

void add_to(codec::Histogram* to, const codec::Histogram& from) {
  for (size_t i = 0; i < to->size(); ++i) (*to)[i] += from[i];
}

}  // namespace dcf::impl::encode
