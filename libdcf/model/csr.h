// SPDX-License-Identifier: Apache-2.0
// A tensor as CSR. What model/decode.h says of all functions holds.
#pragma once

#include <span>

#include "model/decode_progress.h"
#include "model/model.h"

namespace dcf::impl::model {

struct Csr {
  std::span<uint64_t> row_ptr;  // rows + 1
  std::span<uint32_t> col;      // nonzeros
  MutableBytes values;          // nonzeros elements of the dtype asked for
};
// rows() x cols(); cols must fit 32 bits. The spans have exactly these sizes.
Status decode_csr(const Model& model, size_t tensor, DType as, const Csr& out,
                  ProgressStep progress = {});

}  // namespace dcf::impl::model
