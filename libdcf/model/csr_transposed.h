// SPDX-License-Identifier: Apache-2.0
// CSR of a tensor whose entries are stored column by column.
#pragma once

#include "model/csr.h"

namespace dcf::impl::model {

// decode_csr() of tensor `data`, which has a transposed view, in the shape of an alias with `cols`
// columns. out.row_ptr is zero. Failures carry no tensor.
Status decode_csr_transposed(const Model& model, size_t data, uint64_t cols, DType as,
                             const Csr& out, ProgressStep progress);

}  // namespace dcf::impl::model
