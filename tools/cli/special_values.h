// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dcf/dcf.h>

#include <cstdint>
#include <span>

namespace dcf::tools {

struct SpecialValues {
  uint64_t nans = 0;
  uint64_t infinities = 0;
};

// Adds the NaN and infinities among `bytes`, whole little-endian elements of `dtype`, to *counts.
// Types that are no float have none.
void count_special(dcf_dtype dtype, std::span<const uint8_t> bytes, SpecialValues* counts);

}  // namespace dcf::tools
