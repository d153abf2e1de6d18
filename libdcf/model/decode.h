// SPDX-License-Identifier: Apache-2.0
// Decodes a tensor, or part of it. All functions take the index of any tensor, aliases included,
// and are thread-safe on a const Model. LimitMemory if too little is left of the file's memory.
// BadCount (K-05) if all elements are decoded and the number of nonzeros is not the one that the
// tensor declares. Cancelled if `progress` cancels.
#pragma once

#include <span>

#include "model/codes.h"
#include "model/csr.h"
#include "model/decode_progress.h"
#include "model/model.h"

namespace dcf::impl::model {

// Dense elements [first, first + count) of the flattened tensor, in its own dtype or as f32
// (`as` = kF32; not for raw-only dtypes). dst has exactly their size.
Status decode_elements(const Model& model, size_t tensor, DType as, uint64_t first, uint64_t count,
                       MutableBytes dst, ProgressStep progress = {});
// Where all elements of a tensor go, as decode_elements() has it.
struct DenseOutput {
  size_t tensor;
  DType as;
  MutableBytes dst;
};
// decode_elements() for many tensors, whose chunks are decoded side by side. Among failures of
// chunks the one of the first output is reported, and its lowest; then the first wrong count.
Status decode_tensors(const Model& model, std::span<const DenseOutput> outputs,
                      ProgressStep progress = {});
// Bytes of `count` elements as `as` (kNone: own dtype), or why they cannot be converted.
Result<uint64_t> decoded_bytes(const format::Tensor& tensor, DType as, uint64_t count);
// The memory that decode_elements() takes of the file's for all elements if no other call takes
// any; LimitMemory if it would fail.
Result<uint64_t> decode_memory(const Model& model, size_t tensor);

// The index in the flattened tensor of the element at position v of the view.
inline uint64_t element_of_view(const format::Tensor& t, uint64_t v) {
  if (!t.view.transposed) return v;
  return v % t.view.cols * t.view_rows() + v / t.view.cols;
}

}  // namespace dcf::impl::model
