// SPDX-License-Identifier: Apache-2.0
// Counts zeros among words of dtypes 1..15, for example one row of a view. Zero means +0 or -0
// (spec, section 1). Pure functions.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/dtype.h"

namespace dcf::impl::encode {

// Words that are neither +0 nor -0.
uint64_t count_nonzeros(DType dtype, Bytes words);

// Words that are -0; 0 for integers.
uint64_t count_negative_zeros(DType dtype, Bytes words);

}  // namespace dcf::impl::encode
