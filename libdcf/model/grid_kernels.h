// SPDX-License-Identifier: Apache-2.0
// The loops of grid_values.h, one table per instruction set. The scalar table is the reference: all
// others give the same results for all arguments.
#pragma once

#include <span>
#include <vector>

#include "base/cpu.h"
#include "format/tensor.h"

namespace dcf::impl::model {

struct GridKernels {
  CpuSet set;
  void (*integers)(uint32_t cols, std::span<uint32_t> numbers);  // trellis_integers()
  void (*words)(const format::Tensor& tensor, std::span<const float> scales, uint64_t first,
                std::span<const uint32_t> numbers, uint8_t* words);  // grid_words()
};

extern const GridKernels kScalarGridKernels;
#if defined(__x86_64__)
extern const GridKernels kAvx2GridKernels;
extern const GridKernels kAvx512bwGridKernels;
#endif

// The tables that this processor can run: scalar first, the best last.
std::vector<const GridKernels*> available_grid_kernels();

}  // namespace dcf::impl::model
