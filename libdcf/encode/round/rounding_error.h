// SPDX-License-Identifier: Apache-2.0
// What rounding to a grid does to the outputs of a tensor, without writing it.
#pragma once

#include "encode/content/tensor_input.h"
#include "encode/content/work.h"

namespace dcf::impl::encode {

// E|W x - W' x|^2 of the rounding that the options of a dense input ask for, under its moments;
// without them the sum of the squares of all errors. 0 where the tensor stays as it is. Fails as
// round_to_grid().
Result<double> measure_rounding(const CheckedInput& input, const Work& work);

}  // namespace dcf::impl::encode
