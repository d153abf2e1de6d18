// SPDX-License-Identifier: Apache-2.0
// The loops of row windows, in AVX-512.
#pragma once

#include <span>

#include "kernels/row_windows.h"

namespace dcf::impl {

bool has_avx512();

// Packs rows behind those packed so far: those of `entries` from number `at` on, in the order
// given. False where there would be more than `max_steps` steps in all.
bool pack_row_windows_avx512(const LayerEntries& entries, uint64_t at,
                             std::span<const uint32_t> order, uint64_t max_steps, RowWindows* out);

// The rows of groups [first, last). x is followed by RowWindows::kWindow readable floats, y has all
// rows of the matrix. Sums two partial sums per row: of the even and of the odd steps of its group.
void multiply_row_windows_avx512(const RowWindows& w, uint64_t first, uint64_t last, const float* x,
                                 float* y);

}  // namespace dcf::impl
