// SPDX-License-Identifier: Apache-2.0
// How many elements are not zero, as the manifest's `nonzeros` counts them (K-05).
#pragma once

#include "base/bytes.h"
#include "format/tensor.h"

namespace dcf::impl {

// Of `elements` elements of the tensor in dense form. Raw-only dtypes: elements with any bit set.
uint64_t count_nonzeros(const Tensor& tensor, Bytes dense, uint64_t elements);

}  // namespace dcf::impl
