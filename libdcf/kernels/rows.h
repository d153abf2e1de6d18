// SPDX-License-Identifier: Apache-2.0
// Sparse rows in plain C++: columns and weights, one row after the other. Runs anywhere.
#pragma once

#include <memory>

#include "kernels/entries.h"
#include "kernels/layer_kernel.h"

namespace dcf::impl::kernels {

// Null if the entries cannot be loaded.
std::unique_ptr<LayerKernel> make_rows(const EntrySource& source);

}  // namespace dcf::impl::kernels
