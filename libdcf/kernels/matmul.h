// SPDX-License-Identifier: Apache-2.0
// Y = X W^T from the entries of a compressed tensor: W is rows x cols, X batch x cols, Y batch x
// rows, all row-major floats. Zeros that are not stored contribute nothing.
#pragma once

#include <span>

#include "model/decode_progress.h"
#include "model/model.h"

namespace dcf::impl::kernels {

// Sums in double: within a chunk in rising order of columns, then the sums of chunks in their
// order, then one rounding to float. So the result does not depend on the number of threads.
// Allocates rows x batch doubles and, for a batch above 1, cols x batch floats, besides the scratch
// of the chunks (LimitMemory). UnsupportedDType for raw-only dtypes.
Status matmul(const model::Model& model, size_t tensor, std::span<const float> x, uint64_t batch,
              std::span<float> y, model::ProgressStep progress = {});

}  // namespace dcf::impl::kernels
