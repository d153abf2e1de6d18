// SPDX-License-Identifier: Apache-2.0
// How far two tensors of the same dtype and shape are apart.
#pragma once

#include <cstdint>
#include <span>

#include "model/tensor_meta.h"

namespace dcf::tools {

struct Difference {
  bool same_bytes = true;
  bool same_values = true;   // +0 equals -0; a NaN equals a NaN of the same bits only
  bool comparable = true;    // false: the dtype has no numbers, or one side has NaN or Inf where the other has not
  double max_error = 0;      // greatest |a - b|
  double sqnr_db = 0;        // 10 log10(sum a^2 / sum (a - b)^2); infinite if equal
  double cosine = 1;
};

Difference difference(const TensorMeta& meta, std::span<const uint8_t> a, std::span<const uint8_t> b);

}  // namespace dcf::tools
