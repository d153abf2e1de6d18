// SPDX-License-Identifier: Apache-2.0
// The number of elements that are not zero, as the manifest's `nonzeros` counts them (K-05). The
// encoder counts with code of its own (encode/write/chunk_encoder.cc), and shares none with this on
// purpose: a defect in one of the two shows as a wrong count when a written file is verified.
#pragma once

#include "base/bytes.h"
#include "format/tensor.h"

namespace dcf::impl::model {

// Counts among `elements` elements of the tensor in dense form. Raw-only dtypes: elements with any
// bit set.
uint64_t count_nonzeros(const format::Tensor& tensor, Bytes dense, uint64_t elements);

}  // namespace dcf::impl::model
