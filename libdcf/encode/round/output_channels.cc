// SPDX-License-Identifier: Apache-2.0
#include "encode/round/output_channels.h"

#include <algorithm>

namespace dcf::impl::encode {
namespace {

// The longest side of a kernel; what is longer are channels.
constexpr uint64_t kMostKernel = 31;

// Matrices of one recurrent layer that stand in one tensor, one for each direction.
constexpr uint64_t kMostStacked = 2;
// Filters of one channel, where there is a dimension of its own for them.
constexpr uint64_t kFewFilters = 4;

}  // namespace

ClassAxis axis_of(uint64_t run, uint64_t units) {
  if (run > UINT32_MAX || units > UINT32_MAX) return {};
  return {static_cast<uint32_t>(run), static_cast<uint32_t>(units)};
}

ClassAxis output_channels(std::span<const uint64_t> dims, uint64_t elements) {
  if (dims.size() < 3) return {};
  if (dims.size() == 3 && dims[0] <= kMostStacked) return {};  // matrices
  const size_t kernel = dims.size() - 2;
  const auto side = [&](size_t first) {
    return *std::max_element(dims.begin() + static_cast<ptrdiff_t>(first),
                             dims.begin() + static_cast<ptrdiff_t>(first + kernel));
  };
  const uint64_t last = side(2);
  const uint64_t leading = side(0);
  if (std::min(last, leading) > kMostKernel) return {};
  if (last <= leading) return axis_of(elements / dims[0], dims[0]);
  return axis_of(1, dims.back() <= kFewFilters ? dims.back() * dims[kernel] : dims.back());
}

}  // namespace dcf::impl::encode
