// SPDX-License-Identifier: Apache-2.0
// A tensor, or part of it, in the forms a caller can use. All functions take the index of any
// tensor, aliases included, and are thread-safe on a const Model. LimitMemory where the memory that
// is left of the file's does not suffice, BadCount (K-05) where all elements are decoded and have
// another number of nonzeros than the tensor declares, Cancelled where `progress` says so.
#pragma once

#include <span>

#include "model/codes.h"
#include "model/csr.h"
#include "model/decode_progress.h"
#include "model/model.h"

namespace dcf::impl {

// Dense elements [first, first + count) of the flattened tensor, in its own dtype or as f32
// (`as` = kF32; not for raw-only dtypes). dst has exactly their size.
Status decode_elements(const Model& model, size_t tensor, DType as, uint64_t first, uint64_t count,
                       MutableBytes dst, ProgressStep progress = {});
// Bytes of `count` elements as `as` (kNone: own dtype), or why that cannot be.
Result<uint64_t> decoded_bytes(const Tensor& tensor, DType as, uint64_t count);
// What decode_elements() takes of the file's memory for all elements if no other call takes any;
// LimitMemory where it would fail.
Result<uint64_t> decode_memory(const Model& model, size_t tensor);

// Where the element of view position v lies in the flattened tensor.
inline uint64_t element_of_view(const Tensor& t, uint64_t v) {
  if (!t.view.transposed) return v;
  return v % t.view.cols * t.view_rows() + v / t.view.cols;
}

}  // namespace dcf::impl
