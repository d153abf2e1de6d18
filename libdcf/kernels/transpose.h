// SPDX-License-Identifier: Apache-2.0
// Transposes samples that follow each other in memory into the columns of a tile, and back.
#pragma once

#include <cstdint>

namespace dcf::impl::kernels {

// to[c * to_stride + r] = from[r * from_stride + c] for r < rows, c < cols.
void transpose(const float* from, uint64_t from_stride, uint64_t rows, uint64_t cols, float* to,
               uint64_t to_stride);

}  // namespace dcf::impl::kernels
