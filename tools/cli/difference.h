// SPDX-License-Identifier: Apache-2.0
// How far two tensors of the same dtype and shape are apart.
#pragma once

#include <cstdint>
#include <span>

#include "formats/tensor_meta.h"

namespace dcf::tools {

// What has no value is NaN: a cosine with zero, errors where one side only is NaN or infinite, all
// three numbers of a dtype that is only ever stored as it is.
struct Difference {
  bool same_bytes = true;
  bool same_values = true;  // as same_bytes, but +0 equals -0
  double max_error = 0;     // greatest |a - b|
  double sqnr_db = 0;       // 10 log10(sum a^2 / sum (a - b)^2); infinite if that is 0
  double cosine = 1;
};

// `a` and `b` have meta.bytes() bytes each.
Difference difference(const TensorMeta& meta, std::span<const uint8_t> a,
                      std::span<const uint8_t> b);

}  // namespace dcf::tools
